internal import CLinux
internal import Glibc

/// An eventfd: a doorbell that counts.
package struct EventDescriptor: Sendable {
  package let descriptor: Descriptor

  package init() throws(Errno) {
    descriptor = Descriptor(owning: try checked(linux_eventfd()))
  }

  package init(_ descriptor: Descriptor) { self.descriptor = descriptor }

  package func ring() { ringDoorbell(descriptor.number) }

  /// Takes what has been counted; `false` when nothing was.
  @discardableResult
  package func clear() -> Bool { clearDoorbell(descriptor.number) }
}
