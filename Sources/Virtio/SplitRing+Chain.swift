public import SharedMemory

/// Walking the driver's chains. Each descriptor is loaded once, as two words, then checked, then
/// used; the driver may change it at any time.
extension SplitRing {
  /// Walks a chain without a table that breaks no rule, which is what nearly every chain is.
  /// False for any other, and for one longer than the list has room for: begin again and look
  /// closer. Without a fault to report, all of it happens in registers.
  @inlinable @inline(__always)
  mutating func walkPlain(from head: UInt16, _ segments: inout Segments) -> Bool {
    var tally = Segments.Tally()
    var count = 0
    guard let words = descriptors.relaxed(head) else { return false }
    var segment = Segment(words)
    // First those that the device reads (2.7.4.2). The list bounds the walk whatever it says.
    while segment.flags & ~SplitLayout.continues == 0 {
      guard segments.put(segment, at: count) else { return false }
      count &+= 1
      tally.bytes &+= UInt64(segment.count)
      guard segment.flags & SplitLayout.continues != 0 else {
        tally.allReadable(count)
        // No chain is longer than the queue (2.7.5.3.1).
        return count <= size.count && segments.settle(count, tally)
      }
      guard let words = descriptors.relaxed(segment.following) else { return false }
      segment = Segment(words)
    }
    tally.allReadable(count)
    while segment.flags & ~SplitLayout.continues == SplitLayout.isWritable {
      guard segments.put(segment, at: count) else { return false }
      count &+= 1
      tally.bytes &+= UInt64(segment.count)
      guard segment.flags & SplitLayout.continues != 0 else {
        return count <= size.count && segments.settle(count, tally)
      }
      guard let words = descriptors.relaxed(segment.following) else { return false }
      segment = Segment(words)
    }
    return false
  }

  /// Walks any chain, by the same steps, and says what is wrong with it.
  @inline(never)
  mutating func walkAny(from head: UInt16, _ segments: inout Segments) throws(RingFault) {
    segments.removeAll()
    var tally = Segments.Tally()
    var index = head
    for _ in 0..<size.rawValue {
      guard let words = descriptors.relaxed(index) else { throw .noSuchDescriptor(index) }
      let segment = Segment(words)
      let flags = segment.flags
      guard flags <= 7 else { throw .unknownFlags(flags) }
      guard flags & SplitLayout.isTable == 0 else {
        guard flags & SplitLayout.continues == 0 else { throw .tableContinues }
        return try walkTable(segment, head, &segments, tally)
      }
      try add(segment, &segments, &tally)
      guard flags & SplitLayout.continues != 0 else { return try finish(&segments, tally) }
      index = segment.following
    }
    throw .chainLoops(head: head)
  }

  /// The rest of a chain in an indirect table (VIRTIO 1.2 section 2.7.5.3). The flag WRITE of the
  /// descriptor that led here is ignored (2.7.5.3.2).
  private mutating func walkTable(
    _ table: Segment, _ head: UInt16, _ segments: inout Segments, _ before: Segments.Tally
  ) throws(RingFault) {
    guard allowsTables else { throw .indirectNotNegotiated }
    guard table.count > 0, table.count % 16 == 0 else { throw .tableSize(table.count) }
    let entries = table.count / 16
    var (tally, index) = (before, UInt16(0))
    // No chain is longer than the queue, tables included (2.7.5.3.1).
    for _ in segments.count..<size.count {
      guard UInt32(index) < entries else { throw .noSuchDescriptor(index) }
      let segment = Segment(try words(at: table.address.rawValue &+ 16 &* UInt64(index)))
      let flags = segment.flags
      guard flags <= 7 else { throw .unknownFlags(flags) }
      guard flags & SplitLayout.isTable == 0 else { throw .nestedTable }
      try add(segment, &segments, &tally)
      guard flags & SplitLayout.continues != 0 else { return try finish(&segments, tally) }
      index = segment.following
    }
    throw .chainLoops(head: head)
  }

  @inline(__always)
  private func words(at address: UInt64) throws(RingFault) -> (UInt64, UInt64) {
    do { return try memory.words(at: GuestAddress(address)) } catch { throw .memory(error) }
  }

  @inline(__always)
  private func add(
    _ segment: Segment, _ segments: inout Segments, _ tally: inout Segments.Tally
  ) throws(RingFault) {
    guard segments.append(segment, &tally) else { throw .readableAfterWritable }
  }

  @inline(__always)
  private func finish(_ segments: inout Segments, _ tally: Segments.Tally) throws(RingFault) {
    guard segments.settle(tally) else { throw .chainTooLong }
  }
}
