public import CLinux

/// An array of two-word records in bytes that another process writes: a descriptor table.
///
/// Where it lies is checked once, so that a record costs one comparison: whether there is one.
@safe
public struct SharedPairs {
  @usableFromInline let base: UnsafeMutableRawPointer
  @usableFromInline let count: UInt16
  private let mapping: Mapping

  /// The first `count` records of a window, which must hold them and be aligned to words.
  package init(_ window: SharedWindow, count: UInt16) {
    precondition(window.byteCount >= 16 * Int(count) && window.isAligned(to: 8))
    // SAFETY: `mapping` keeps the bytes of the window alive.
    unsafe base = window.base
    self.count = count
    mapping = window.mapping
  }

  /// Both words of a record, each loaded once; nil where there is none.
  @inlinable @inline(__always)
  public func relaxed(_ index: UInt16) -> (UInt64, UInt64)? {
    guard index < count else { return nil }
    // SAFETY: `init` has checked that all records lie in the mapping, aligned.
    let place = unsafe base + 16 &* Int(index)
    return unsafe (linux_load64_relaxed(place), linux_load64_relaxed(place + 8))
  }
}
