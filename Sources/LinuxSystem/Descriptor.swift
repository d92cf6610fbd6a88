internal import CLinux
internal import Glibc

/// An open file descriptor, closed when its last owner lets go.
///
/// A class, not a noncopyable value, because the control plane keeps descriptors in dictionaries
/// and passes them on in messages; a data path copies `number` into a local once.
public final class Descriptor: Sendable {
  public let number: Int32

  /// Takes over `number`, which nobody else closes from here on.
  public init(owning number: Int32) { self.number = number }

  deinit { _ = Glibc.close(number) }

  package func setNonblocking(_ on: Bool) throws(Errno) {
    _ = try checked(linux_set_nonblocking(number, on ? 1 : 0))
  }
}

/// Makes descriptor `number` of this process another one of `descriptor`'s open file (dup2(2)).
package func redirect(_ number: Int32, to descriptor: Descriptor) throws(Errno) {
  guard dup2(descriptor.number, number) >= 0 else { throw Errno(rawValue: errno) }
}
