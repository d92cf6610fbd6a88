package import SharedMemory

/// One buffer of a chain, as the driver described it; its bytes are looked up only at use.
@frozen
package struct Segment: BitwiseCopyable, Hashable, Sendable {
  package let address: GuestAddress
  package let count: UInt32
  /// True for a buffer that the device writes, false for one that it reads.
  package let isWritable: Bool

  @inlinable
  package init(address: GuestAddress, count: UInt32, isWritable: Bool) {
    self.address = address
    self.count = count
    self.isWritable = isWritable
  }
}
