internal import CLinux

/// What a tap may leave undone in the frames that are read from it, TUN_F_* of linux/if_tun.h.
package struct TapOffloads: OptionSet, Sendable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Checksums of TCP and UDP.
  package static let checksum = TapOffloads(rawValue: 1)
  /// Cutting TCP over IPv4 into segments.
  package static let tso4 = TapOffloads(rawValue: 2)
  /// Cutting TCP over IPv6 into segments.
  package static let tso6 = TapOffloads(rawValue: 4)
  /// Cutting what has the flags of ECN, with one of the two above.
  package static let ecn = TapOffloads(rawValue: 8)
}

/// Says what the reader of a tap takes: the kernel does the rest before it hands a frame over.
package func setOffloads(_ offloads: TapOffloads, of tap: Descriptor) throws(Errno) {
  _ = try checked(linux_set_tap_offloads(tap.number, offloads.rawValue))
}

/// Reads once into all of `bytes`: a frame where the descriptor keeps them apart. Answers how many
/// bytes came.
package func readOnce(_ file: Int32, into bytes: inout [UInt8]) throws(Errno) -> Int {
  try readOnce(file, into: &bytes, bytes.indices)
}

/// As above, into a part of `bytes`.
package func readOnce(
  _ file: Int32, into bytes: inout [UInt8], _ range: Range<Int>
) throws(Errno) -> Int {
  precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
  let answer = unsafe bytes.withUnsafeMutableBytes { buffer in
    // SAFETY: the range was checked.
    unsafe linux_read_bytes(
      file, buffer.baseAddress.map { unsafe $0 + range.lowerBound }, range.count)
  }
  return try checked(answer)
}

/// What waits in a stream socket, which keeps it: from its start as much as `bytes` holds. Answers
/// how many bytes; 0 at the end of the stream.
package func peek(_ socket: Int32, into bytes: inout [UInt8]) throws(Errno) -> Int {
  let answer = unsafe bytes.withUnsafeMutableBytes { buffer in
    // SAFETY: the buffer has as many bytes as it says.
    unsafe linux_peek_bytes(socket, buffer.baseAddress, buffer.count)
  }
  return try checked(answer)
}

/// Writes bytes once; answers how many were taken.
package func writePart(
  of bytes: borrowing Span<UInt8>, to file: Int32
) throws(Errno) -> Int {
  let answer = unsafe bytes.withUnsafeBytes { buffer in
    // SAFETY: the buffer has as many bytes as it says; they are only read.
    var part = unsafe iovec(
      iov_base: UnsafeMutableRawPointer(mutating: buffer.baseAddress), iov_len: buffer.count)
    return unsafe linux_write_parts(file, &part, 1)
  }
  return try checked(answer)
}
