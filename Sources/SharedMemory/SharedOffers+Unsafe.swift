public import CLinux

/// The 16-bit slots of a ring in bytes that another process writes, by free-running index.
///
/// Where they lie is checked once; the mask keeps every index inside.
@safe
public struct SharedOffers {
  @usableFromInline let base: UnsafeMutableRawPointer
  @usableFromInline let mask: UInt16
  private let mapping: Mapping

  /// `mask` + 1 slots, a power of two, from `offset` of a window on.
  package init(_ window: SharedWindow, at offset: Int, mask: UInt16) {
    let slots = window.window(at: offset, byteCount: 2 * (Int(mask) + 1))
    precondition(mask & (mask &+ 1) == 0 && slots.isAligned(to: 2))
    // SAFETY: `mapping` keeps the bytes of the window alive.
    unsafe base = slots.base
    self.mask = mask
    mapping = slots.mapping
  }

  @inlinable @inline(__always)
  public func relaxed(_ index: UInt16) -> UInt16 {
    // SAFETY: the masked index is one of the slots that `init` has checked.
    unsafe linux_load16_relaxed(base + 2 &* Int(index & mask))
  }
}
