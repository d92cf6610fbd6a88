/// The checksum of IP, TCP and UDP (RFC 1071), over bytes of ours.
package enum NetChecksum {
  /// Adds the big-endian words of a range to a sum that has not been folded yet.
  package static func sum(
    _ bytes: borrowing Span<UInt8>, _ range: Range<Int>, adding start: UInt64 = 0
  ) -> UInt64 {
    // Two plain sums, of the high and of the low bytes: no carry can be lost in 64 bits.
    var (high, low) = (UInt64(0), UInt64(0))
    let part = bytes.extracting(range)
    var index = 0
    while index &+ 1 < part.count {
      high &+= UInt64(part[index])
      low &+= UInt64(part[index &+ 1])
      index &+= 2
    }
    if index < part.count { high &+= UInt64(part[index]) }
    return start &+ high << 8 &+ low
  }

  /// One's complement: the carries come back in at the bottom.
  package static func folded(_ sum: UInt64) -> UInt16 {
    var sum = sum
    while sum > 0xffff { sum = (sum & 0xffff) + sum >> 16 }
    return UInt16(truncatingIfNeeded: sum)
  }

  /// The word to write. Never 0, which would say that there is no checksum (RFC 768); the same
  /// value for everybody else.
  package static func completed(_ sum: UInt64) -> UInt16 {
    let value = ~folded(sum)
    return value == 0 ? 0xffff : value
  }

  /// Completes what a driver left to the device: the field holds the pseudo header's sum, and all
  /// from `start` on is to be added (VIRTIO 1.2 section 5.1.6.2). The place was checked.
  package static func complete(
    _ frame: inout MutableSpan<UInt8>, start: Int, offset: Int
  ) {
    let value = completed(sum(frame.span, start..<frame.count))
    frame.setWord(value, at: start + offset)
  }
}

/// Numbers in network order.
extension Span<UInt8> {
  func word(at index: Int) -> UInt16 { UInt16(self[index]) << 8 | UInt16(self[index + 1]) }

  func longWord(at index: Int) -> UInt32 {
    UInt32(word(at: index)) << 16 | UInt32(word(at: index + 2))
  }
}

extension MutableSpan<UInt8> {
  mutating func setWord(_ value: UInt16, at index: Int) {
    self[index] = UInt8(value >> 8)
    self[index + 1] = UInt8(truncatingIfNeeded: value)
  }

  mutating func setLongWord(_ value: UInt32, at index: Int) {
    setWord(UInt16(value >> 16), at: index)
    setWord(UInt16(truncatingIfNeeded: value), at: index + 2)
  }
}
