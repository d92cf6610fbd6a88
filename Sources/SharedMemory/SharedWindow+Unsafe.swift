public import CLinux

#if _endian(big)
  #error("Shared words are little-endian and are loaded as they are")
#endif

/// A checked range of shared bytes with atomic words in it.
///
/// Offsets are ours, never a peer's: one outside of the window, or misaligned, is a bug and stops
/// the process. The *values* are a peer's: each is loaded once, checked, then used. A window keeps
/// its mapping alive.
///
/// Public, as all that data paths use from another module: Swift 6.3 moves code across modules only
/// where it is public and inlinable. A load that is a call takes eight times as long.
@safe
public struct SharedWindow {
  @usableFromInline let base: UnsafeMutableRawPointer
  public let byteCount: Int
  @usableFromInline let mapping: Mapping

  /// The caller has checked that the range lies in the mapping and that its start is aligned.
  init(_ mapping: Mapping, at offset: Int, byteCount: Int) {
    precondition(
      offset >= 0 && byteCount >= 0 && offset <= mapping.byteCount
        && mapping.byteCount - offset >= byteCount)
    // SAFETY: within the mapping, which `self.mapping` keeps alive.
    unsafe base = mapping.base + offset
    self.byteCount = byteCount
    self.mapping = mapping
  }

  /// The part of this window from `offset` on.
  package func window(at offset: Int, byteCount: Int) -> SharedWindow {
    precondition(offset >= 0 && byteCount >= 0 && offset <= self.byteCount)
    precondition(self.byteCount - offset >= byteCount)
    return SharedWindow(self, at: offset, byteCount: byteCount)
  }

  private init(_ window: SharedWindow, at offset: Int, byteCount: Int) {
    // SAFETY: `window(at:byteCount:)` has checked the range.
    unsafe base = window.base + offset
    self.byteCount = byteCount
    mapping = window.mapping
  }

  func isAligned(to alignment: Int) -> Bool {
    // SAFETY: the address is a number here.
    unsafe UInt(bitPattern: base) % UInt(alignment) == 0
  }

  /// The address of `count` bytes at `offset`, checked: in the window and a multiple of `count`.
  @inlinable @inline(__always)
  func word(_ offset: Int, _ count: Int) -> UnsafeMutableRawPointer {
    // No overflow: `byteCount` is never negative and `count` at most 8.
    precondition(offset >= 0 && offset <= byteCount &- count, "word outside of its window")
    let address = unsafe base + offset
    precondition(UInt(bitPattern: address) & UInt(count &- 1) == 0, "misaligned word")
    return unsafe address
  }
}

// SAFETY, for all below: `word` answers an aligned address inside a live mapping, and each
// function makes one atomic access to it.
extension SharedWindow {
  @inlinable @inline(__always)
  public func relaxed8(at offset: Int) -> UInt8 {
    unsafe linux_load8_relaxed(word(offset, 1))
  }
  @inlinable @inline(__always)
  public func relaxed16(at offset: Int) -> UInt16 {
    unsafe linux_load16_relaxed(word(offset, 2))
  }
  @inlinable @inline(__always)
  public func relaxed32(at offset: Int) -> UInt32 {
    unsafe linux_load32_relaxed(word(offset, 4))
  }
  @inlinable @inline(__always)
  public func relaxed64(at offset: Int) -> UInt64 {
    unsafe linux_load64_relaxed(word(offset, 8))
  }
  @inlinable @inline(__always)
  public func acquire8(at offset: Int) -> UInt8 {
    unsafe linux_load8_acquire(word(offset, 1))
  }
  @inlinable @inline(__always)
  public func acquire16(at offset: Int) -> UInt16 {
    unsafe linux_load16_acquire(word(offset, 2))
  }
  @inlinable @inline(__always)
  public func acquire32(at offset: Int) -> UInt32 {
    unsafe linux_load32_acquire(word(offset, 4))
  }
  @inlinable @inline(__always)
  public func acquire64(at offset: Int) -> UInt64 {
    unsafe linux_load64_acquire(word(offset, 8))
  }

  @inlinable @inline(__always)
  public func storeRelaxed(_ value: UInt8, at offset: Int) {
    unsafe linux_store8_relaxed(word(offset, 1), value)
  }
  @inlinable @inline(__always)
  public func storeRelaxed(_ value: UInt16, at offset: Int) {
    unsafe linux_store16_relaxed(word(offset, 2), value)
  }
  @inlinable @inline(__always)
  public func storeRelaxed(_ value: UInt32, at offset: Int) {
    unsafe linux_store32_relaxed(word(offset, 4), value)
  }
  @inlinable @inline(__always)
  public func storeRelaxed(_ value: UInt64, at offset: Int) {
    unsafe linux_store64_relaxed(word(offset, 8), value)
  }
  @inlinable @inline(__always)
  public func storeRelease(_ value: UInt8, at offset: Int) {
    unsafe linux_store8_release(word(offset, 1), value)
  }
  @inlinable @inline(__always)
  public func storeRelease(_ value: UInt16, at offset: Int) {
    unsafe linux_store16_release(word(offset, 2), value)
  }
  @inlinable @inline(__always)
  public func storeRelease(_ value: UInt32, at offset: Int) {
    unsafe linux_store32_release(word(offset, 4), value)
  }
  @inlinable @inline(__always)
  public func storeRelease(_ value: UInt64, at offset: Int) {
    unsafe linux_store64_release(word(offset, 8), value)
  }
}

/// Orders every access before it with every access after it, both ways, for all processors.
@inlinable @inline(__always)
public func fullFence() { linux_fence() }
