internal import CLinux
internal import Glibc

/// An eventfd: a doorbell that counts.
public struct EventDescriptor: Sendable {
  public let descriptor: Descriptor

  public init() throws(Errno) {
    descriptor = Descriptor(owning: try checked(linux_eventfd()))
  }

  public init(_ descriptor: Descriptor) { self.descriptor = descriptor }

  public func ring() { ringDoorbell(descriptor.number) }

  /// Takes what has been counted; `false` when nothing was.
  @discardableResult
  public func clear() -> Bool { clearDoorbell(descriptor.number) }
}
