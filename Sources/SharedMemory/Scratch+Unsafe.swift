internal import Glibc

/// Bytes of ours of any content: to be written before they are read. The kernel gives the memory
/// page by page, when it is written to, so that room that is not used costs nothing.
package func scratchBytes(_ count: Int) -> [UInt8] {
  unsafe [UInt8](unsafeUninitializedCapacity: count) { _, initialized in
    // SAFETY: any bit pattern is a byte, and what was in this memory before was ours.
    initialized = count
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
