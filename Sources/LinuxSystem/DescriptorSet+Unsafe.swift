internal import CLinux

/// Descriptors that are waited for as one (epoll(7)): the set's own descriptor is readable while
/// any of them is.
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

/// A bell and one more descriptor, waited for by one call that leaves the bell as it is: it is told
/// once each time it rings (EPOLLET).
package struct BellWait: Sendable {
  package enum Outcome: Sendable { case rang, otherwise, timeUp }

  private let set: Descriptor
  private static let bell: UInt64 = 1

  package init(for bell: Descriptor, beside other: Descriptor) throws(Errno) {
    set = Descriptor(owning: try checked(linux_epoll_create()))
    let (level, edge) = (Readiness.readable.rawValue, Readiness.edge.rawValue)
    _ = try checked(linux_epoll_add(set.number, bell.number, level | edge, Self.bell))
    _ = try checked(linux_epoll_add(set.number, other.number, level, 0))
  }

  /// Waits until the bell rings, or the other is readable. -1 milliseconds wait for ever. An
  /// interrupted wait counts as the other's: callers look.
  package func wait(milliseconds: Int32) -> Outcome {
    var ready = linux_ready()
    // SAFETY: room for one.
    let count = unsafe linux_epoll_wait(set.number, &ready, 1, milliseconds)
    guard count > 0 else { return count == 0 && milliseconds >= 0 ? .timeUp : .otherwise }
    return ready.token == Self.bell ? .rang : .otherwise
  }
}
