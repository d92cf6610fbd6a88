public import SharedMemory

/// One buffer of a chain, as the driver described it; its bytes are looked up only at use.
@frozen
public struct Segment: BitwiseCopyable, Hashable, Sendable {
  public let address: GuestAddress
  public let count: UInt32
  /// True for a buffer that the device writes, false for one that it reads.
  public let isWritable: Bool

  @inlinable
  public init(address: GuestAddress, count: UInt32, isWritable: Bool) {
    self.address = address
    self.count = count
    self.isWritable = isWritable
  }
}
