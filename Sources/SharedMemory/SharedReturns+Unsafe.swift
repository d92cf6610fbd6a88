public import CLinux

/// The slots of a ring that hold two 32-bit words, in bytes that another process reads, by
/// free-running index.
///
/// Where they lie is checked once; the mask keeps every index inside.
@safe
public struct SharedReturns {
  @usableFromInline let base: UnsafeMutableRawPointer
  @usableFromInline let mask: UInt16
  private let mapping: Mapping

  /// `mask` + 1 slots, a power of two, from `offset` of a window on.
  package init(_ window: SharedWindow, at offset: Int, mask: UInt16) {
    let slots = window.window(at: offset, byteCount: 8 * (Int(mask) + 1))
    precondition(mask & (mask &+ 1) == 0 && slots.isAligned(to: 4))
    // SAFETY: `mapping` keeps the bytes of the window alive.
    unsafe base = slots.base
    self.mask = mask
    mapping = slots.mapping
  }

  @inlinable @inline(__always)
  public func storeRelaxed(_ first: UInt32, _ second: UInt32, at index: UInt16) {
    // SAFETY: the masked index is one of the slots that `init` has checked.
    let slot = unsafe base + 8 &* Int(index & mask)
    unsafe linux_store32_relaxed(slot, first)
    unsafe linux_store32_relaxed(slot + 4, second)
  }
}
