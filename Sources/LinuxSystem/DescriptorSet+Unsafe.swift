internal import CLinux

/// Descriptors that are waited for as one (epoll(7)): the set's own descriptor is readable while any
/// of them is.
package struct DescriptorSet: Sendable {
  package let descriptor: Descriptor

  package init() throws(Errno) {
    descriptor = Descriptor(owning: try checked(linux_epoll_create()))
  }

  /// Waits for this one too, until it is closed.
  package func add(_ member: Descriptor) throws(Errno) {
    let events = Readiness.readable.rawValue
    _ = try checked(linux_epoll_add(descriptor.number, member.number, events, 0))
  }

  /// Waits for this one too, for what is told, until it is removed or closed.
  package func add(_ member: Descriptor, for readiness: Readiness) throws(Errno) {
    _ = try checked(
      linux_epoll_add(descriptor.number, member.number, readiness.rawValue, 0))
  }

  /// Changes what a member is waited for.
  package func change(_ member: Descriptor, to readiness: Readiness) throws(Errno) {
    _ = try checked(
      linux_epoll_modify(descriptor.number, member.number, readiness.rawValue, 0))
  }

  package func remove(_ member: Descriptor) {
    _ = linux_epoll_remove(descriptor.number, member.number)
  }
}
