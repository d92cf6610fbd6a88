/// Where a front end placed the three areas of a split virtqueue, in its own address space
/// (vhost-user SET_VRING_ADDR).
package struct SplitAddresses: Hashable, Sendable {
  package let descriptors: UInt64
  package let available: UInt64
  package let used: UInt64

  package init(descriptors: UInt64, available: UInt64, used: UInt64) {
    self.descriptors = descriptors
    self.available = available
    self.used = used
  }
}
