package import SharedMemory
package import Virtio

/// Writing descriptors as they are: for chains that obey no rule.
extension SplitDriver {
  package func setDescriptor(_ index: UInt16, to segment: Segment, next: UInt16? = nil) {
    SplitDriverRing.write(segment, next: next, to: descriptors, at: layout.descriptor(index))
  }

  package func set(
    _ index: UInt16, address: UInt64, count: UInt32, flags: UInt16, next: UInt16
  ) {
    Self.write(
      address, count, flags, next, to: descriptors, at: layout.descriptor(index))
  }

  /// Puts any head into the slot of available index `index` and moves the index behind it.
  package func offerRaw(head: UInt16, at index: UInt16 = 0) {
    available.storeRelaxed(head, at: layout.availableSlot(index))
    available.storeRelease(index &+ 1, at: SplitLayout.index)
  }

  /// One descriptor: 64-bit address, 32-bit length, 16-bit flags, 16-bit next (2.7.5).
  package static func write(
    _ address: UInt64, _ count: UInt32, _ flags: UInt16, _ next: UInt16,
    to table: SharedWindow, at place: Int
  ) {
    SplitDriverRing.write(address, count, flags, next, to: table, at: place)
  }
}
