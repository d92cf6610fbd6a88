internal import CLinux
internal import Glibc

/// An open file descriptor, closed when its last owner lets go.
///
/// A class, not a noncopyable value, because the control plane keeps descriptors in dictionaries
/// and passes them on in messages; a data path copies `number` into a local once.
public final class Descriptor: Sendable {
  public let number: Int32
  private let isForeign: Bool

  /// Takes over `number`, which nobody else closes from here on.
  public init(owning number: Int32) {
    self.number = number
    isForeign = false
  }

  /// Takes over what a stranger sent, or a socket through which strangers send, for which whoever
  /// closes it last may have to wait: see `Quarantine`.
  package init(foreign number: Int32) {
    self.number = number
    isForeign = true
  }

  /// Takes over what another one of our own processes sent: a socket is foreign.
  convenience init(received number: Int32) {
    if isSocket(number) { self.init(foreign: number) } else { self.init(owning: number) }
  }

  deinit {
    if isForeign, closingMayWait(number), Quarantine.close(number) { return }
    _ = Glibc.close(number)
  }

  package func setNonblocking(_ on: Bool) throws(Errno) {
    _ = try checked(linux_set_nonblocking(number, on ? 1 : 0))
  }
}

/// Makes descriptor `number` of this process another one of `descriptor`'s open file (dup2(2)).
package func redirect(_ number: Int32, to descriptor: Descriptor) throws(Errno) {
  guard dup2(descriptor.number, number) >= 0 else { throw Errno(rawValue: errno) }
}
