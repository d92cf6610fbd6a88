/// The number of entries of a split virtqueue: a power of two up to 32768 (VIRTIO 1.2 section
/// 2.7). A value that exists is valid.
public struct QueueSize: Hashable, Sendable {
  package static let most = 32768

  public let rawValue: UInt16

  /// Nil for what is no power of two from 1 to 32768.
  package init?(_ count: some BinaryInteger) {
    guard let value = UInt16(exactly: count), value > 0, value & (value - 1) == 0 else {
      return nil
    }
    rawValue = value
  }

  @inlinable
  public var count: Int { Int(rawValue) }

  /// Turns a free-running index into a slot.
  package var mask: UInt16 { rawValue &- 1 }
}
