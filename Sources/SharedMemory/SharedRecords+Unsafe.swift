public import CLinux

/// Records of 16 bytes with words in them, in bytes that another process may write, by number.
///
/// Where they lie is checked once; the mask keeps every number inside. A field is where a word
/// begins in its record: a constant of ours, so that its check costs nothing.
@safe
public struct SharedRecords {
  @usableFromInline let base: UnsafeMutableRawPointer
  @usableFromInline let mask: UInt16
  private let mapping: Mapping

  /// `mask` + 1 records, a power of two, from `offset` of a window on.
  package init(_ window: SharedWindow, at offset: Int, mask: UInt16) {
    let records = window.window(at: offset, byteCount: 16 * (Int(mask) + 1))
    precondition(mask & (mask &+ 1) == 0 && records.isAligned(to: 8))
    // SAFETY: `mapping` keeps the bytes of the window alive.
    unsafe base = records.base
    self.mask = mask
    mapping = records.mapping
  }

  /// The address of `count` bytes in a record, checked: in the record and a multiple of `count`.
  @inlinable @inline(__always)
  func word(_ index: UInt16, _ field: Int, _ count: Int) -> UnsafeMutableRawPointer {
    precondition(field >= 0 && field <= 16 &- count && field & (count &- 1) == 0)
    return unsafe base + (16 &* Int(index & mask) &+ field)
  }
}

// SAFETY, for all below: `word` answers an aligned address inside a live mapping, and each
// function makes one atomic access to it.
extension SharedRecords {
  @inlinable @inline(__always)
  public func relaxed8(_ index: UInt16, _ field: Int) -> UInt8 {
    unsafe linux_load8_relaxed(word(index, field, 1))
  }
  @inlinable @inline(__always)
  public func relaxed16(_ index: UInt16, _ field: Int) -> UInt16 {
    unsafe linux_load16_relaxed(word(index, field, 2))
  }
  @inlinable @inline(__always)
  public func relaxed64(_ index: UInt16, _ field: Int) -> UInt64 {
    unsafe linux_load64_relaxed(word(index, field, 8))
  }

  @inlinable @inline(__always)
  public func storeRelaxed(_ value: UInt16, _ index: UInt16, _ field: Int) {
    unsafe linux_store16_relaxed(word(index, field, 2), value)
  }
  @inlinable @inline(__always)
  public func storeRelaxed(_ value: UInt64, _ index: UInt16, _ field: Int) {
    unsafe linux_store64_relaxed(word(index, field, 8), value)
  }
  @inlinable @inline(__always)
  public func storeRelease(_ value: UInt8, _ index: UInt16, _ field: Int) {
    unsafe linux_store8_release(word(index, field, 1), value)
  }
}
