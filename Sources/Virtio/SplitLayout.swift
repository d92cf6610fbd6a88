/// Where things lie in the three areas of a split virtqueue (VIRTIO 1.2 section 2.7), as offsets
/// in each area. Both halves of the ring use it.
@frozen @usableFromInline
package struct SplitLayout: Hashable, Sendable {
  package let size: QueueSize

  package init(_ size: QueueSize) { self.size = size }

  package static let descriptorAlignment = 16
  package static let availableAlignment = 2
  package static let usedAlignment = 4

  package var descriptorsByteCount: Int { 16 * size.count }
  package var availableByteCount: Int { 6 + 2 * size.count }
  package var usedByteCount: Int { 6 + 8 * size.count }

  // The same in the available and the used ring.
  package static let flags = 0
  package static let index = 2

  /// Where the driver says at which used index it wants an interrupt (2.7.7).
  package var usedEvent: Int { 4 + 2 * size.count }
  /// Where the device says at which available index it wants a kick (2.7.10).
  package var availableEvent: Int { 4 + 8 * size.count }

  @inline(__always)
  package func descriptor(_ index: UInt16) -> Int { 16 &* Int(index) }
  @inline(__always)
  package func availableSlot(_ index: UInt16) -> Int { 4 &+ 2 &* Int(index & size.mask) }
  @inline(__always)
  package func usedSlot(_ index: UInt16) -> Int { 4 &+ 8 &* Int(index & size.mask) }

  /// VIRTQ_DESC_F_NEXT, WRITE and INDIRECT (2.7.5).
  @usableFromInline package static let continues: UInt16 = 1
  @usableFromInline package static let isWritable: UInt16 = 2
  package static let isTable: UInt16 = 4

  /// VIRTQ_AVAIL_F_NO_INTERRUPT (2.7.6) and VIRTQ_USED_F_NO_NOTIFY (2.7.8).
  package static let unwanted: UInt16 = 1
}
