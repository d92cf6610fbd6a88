internal import SharedMemory

/// Walking the driver's chains. Each descriptor is loaded once, as two words, then checked, then
/// used; the driver may change it at any time.
extension SplitRing {
  /// A chain names no descriptor twice, so `size` steps bound the walk whatever the driver writes.
  func walk(from head: UInt16, _ segments: inout Segments) throws(RingFault) {
    segments.removeAll()
    var index = head
    for _ in 0..<size.rawValue {
      guard index < size.rawValue else { throw .noSuchDescriptor(index) }
      let place = layout.descriptor(index)
      let address = descriptors.relaxed64(at: place)
      let rest = descriptors.relaxed64(at: place &+ 8)
      let count = UInt32(truncatingIfNeeded: rest)
      let flags = UInt16(truncatingIfNeeded: rest >> 32)
      guard flags <= 7 else { throw .unknownFlags(flags) }
      guard flags & SplitLayout.isTable == 0 else {
        guard flags & SplitLayout.continues == 0 else { throw .tableContinues }
        return try walkTable(at: address, count, head, &segments)
      }
      try segments.append(address, count, isWritable: flags & SplitLayout.isWritable != 0)
      guard flags & SplitLayout.continues != 0 else { return }
      index = UInt16(truncatingIfNeeded: rest >> 48)
    }
    throw .chainLoops(head: head)
  }

  /// The rest of a chain in an indirect table (VIRTIO 1.2 section 2.7.5.3). The flag WRITE of the
  /// descriptor that led here is ignored (2.7.5.3.2).
  private func walkTable(
    at table: UInt64, _ byteCount: UInt32, _ head: UInt16, _ segments: inout Segments
  ) throws(RingFault) {
    guard allowsTables else { throw .indirectNotNegotiated }
    guard byteCount > 0, byteCount % 16 == 0 else { throw .tableSize(byteCount) }
    let entries = byteCount / 16
    var index: UInt16 = 0
    // No chain is longer than the queue, tables included (2.7.5.3.1).
    for _ in segments.count..<size.count {
      guard UInt32(index) < entries else { throw .noSuchDescriptor(index) }
      let (address, rest) = try descriptor(at: table &+ 16 &* UInt64(index))
      let count = UInt32(truncatingIfNeeded: rest)
      let flags = UInt16(truncatingIfNeeded: rest >> 32)
      guard flags <= 7 else { throw .unknownFlags(flags) }
      guard flags & SplitLayout.isTable == 0 else { throw .nestedTable }
      try segments.append(address, count, isWritable: flags & SplitLayout.isWritable != 0)
      guard flags & SplitLayout.continues != 0 else { return }
      index = UInt16(truncatingIfNeeded: rest >> 48)
    }
    throw .chainLoops(head: head)
  }

  @inline(__always)
  private func descriptor(at address: UInt64) throws(RingFault) -> (UInt64, UInt64) {
    do { return try memory.words(at: GuestAddress(address)) } catch { throw .memory(error) }
  }
}
