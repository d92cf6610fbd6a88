public import SharedMemory

/// One buffer of a chain, as the driver described it; its bytes are looked up only at use.
@frozen
public struct Segment: BitwiseCopyable, Equatable, Sendable {
  public let address: GuestAddress
  /// The second word of a descriptor, of which count and direction are looked at.
  @usableFromInline let rest: UInt64
  @usableFromInline static let writable: UInt64 = 2 << 32

  @inlinable
  public var count: UInt32 { UInt32(truncatingIfNeeded: rest) }
  /// True for a buffer that the device writes, false for one that it reads.
  @inlinable
  public var isWritable: Bool { rest & Self.writable != 0 }

  @inlinable
  public init(address: GuestAddress, count: UInt32, isWritable: Bool) {
    self.address = address
    rest = UInt64(count) | (isWritable ? Self.writable : 0)
  }

  /// A descriptor's two words.
  @inlinable @inline(__always)
  public init(_ words: (UInt64, UInt64)) {
    address = GuestAddress(words.0)
    rest = words.1
  }

  /// What else is in the second word: VIRTIO 1.2 section 2.7.5.
  @inlinable @inline(__always)
  public var flags: UInt16 { UInt16(truncatingIfNeeded: rest >> 32) }
  /// The descriptor that comes after it, in the same word.
  @inlinable @inline(__always)
  public var following: UInt16 { UInt16(truncatingIfNeeded: rest >> 48) }

  public static func == (left: Segment, right: Segment) -> Bool {
    left.address == right.address && left.count == right.count
      && left.isWritable == right.isWritable
  }
}
