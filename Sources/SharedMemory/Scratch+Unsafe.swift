internal import Glibc

/// Bytes of ours of any content: to be written before they are read. The kernel gives the memory
/// page by page, when it is written to, so that room that is not used costs nothing.
package func scratchBytes(_ count: Int) -> [UInt8] {
  unsafe [UInt8](unsafeUninitializedCapacity: count) { _, initialized in
    // SAFETY: any bit pattern is a byte, and what was in this memory before was ours.
    initialized = count
  }
}

/// The eight bytes at an index as a number, the first one lowest.
@inlinable @inline(__always)
public func wordOfBytes(_ bytes: borrowing Span<UInt8>, at index: Int) -> UInt64 {
  precondition(index >= 0 && index <= bytes.count && bytes.count &- index >= 8)
  // SAFETY: that many bytes follow; any bit pattern is a number.
  return unsafe bytes.withUnsafeBytes {
    unsafe $0.loadUnaligned(fromByteOffset: index, as: UInt64.self)
  }
}

/// Sets the eight bytes at an index.
@inlinable @inline(__always)
public func setWordOfBytes(
  _ bytes: inout MutableSpan<UInt8>, at index: Int, to word: UInt64
) {
  precondition(index >= 0 && index <= bytes.count && bytes.count &- index >= 8)
  // SAFETY: that many bytes follow.
  unsafe bytes.withUnsafeMutableBytes {
    unsafe $0.storeBytes(of: word, toByteOffset: index, as: UInt64.self)
  }
}

/// Copies bytes of ours to a place in others of ours.
@inline(__always)
package func copyBytes(
  _ source: borrowing Span<UInt8>, to target: inout MutableSpan<UInt8>, at start: Int = 0
) {
  precondition(start >= 0 && start <= target.count && target.count - start >= source.count)
  // SAFETY: both have that many bytes; exclusive access to the target means that it is not the
  // source.
  unsafe source.withUnsafeBytes { from in
    unsafe target.withUnsafeMutableBytes { to in
      if let to = to.baseAddress, let from = from.baseAddress {
        unsafe _ = memcpy(to + start, from, source.count)
      }
    }
  }
}
