internal import Rings
internal import SharedMemory

/// Walking the driver's chains. Each descriptor is loaded once, as two words, then checked, then
/// used; the driver may change it at any time.
extension SplitRing {
  @inline(__always)
  mutating func walk(from head: UInt16, _ segments: inout Segments) throws(RingFault) {
    if !walkPlain(from: head, &segments) { try walkAny(from: head, &segments) }
  }

  /// Walks a chain without a table that breaks no rule, which is what nearly every chain is.
  /// False for any other, and for one longer than the list has room for: begin again and look
  /// closer. Without a fault to report, all of it happens in registers.
  @inline(__always)
  private mutating func walkPlain(from head: UInt16, _ segments: inout Segments) -> Bool {
    segments.begin()
    var tally = Segments.Tally()
    var index = head
    // A chain names no descriptor twice, so `size` steps bound the walk whatever it says.
    for _ in 0..<size.rawValue {
      guard let (address, rest) = descriptors.relaxed(index) else { return false }
      let flags = UInt16(truncatingIfNeeded: rest >> 32)
      guard flags < SplitLayout.isTable,
        segments.append(
          address, UInt32(truncatingIfNeeded: rest),
          isWritable: flags & SplitLayout.isWritable != 0, &tally)
      else { return false }
      guard flags & SplitLayout.continues != 0 else { return segments.settle(tally) }
      index = UInt16(truncatingIfNeeded: rest >> 48)
    }
    return false
  }

  /// Walks any chain, by the same steps, and says what is wrong with it.
  @inline(never)
  private mutating func walkAny(from head: UInt16, _ segments: inout Segments) throws(RingFault) {
    segments.removeAll()
    var tally = Segments.Tally()
    var index = head
    for _ in 0..<size.rawValue {
      guard let (address, rest) = descriptors.relaxed(index) else {
        throw .noSuchDescriptor(index)
      }
      let count = UInt32(truncatingIfNeeded: rest)
      let flags = UInt16(truncatingIfNeeded: rest >> 32)
      guard flags <= 7 else { throw .unknownFlags(flags) }
      guard flags & SplitLayout.isTable == 0 else {
        guard flags & SplitLayout.continues == 0 else { throw .tableContinues }
        return try walkTable(at: address, count, head, &segments, tally)
      }
      try add(address, count, flags, &segments, &tally)
      guard flags & SplitLayout.continues != 0 else { return try finish(&segments, tally) }
      index = UInt16(truncatingIfNeeded: rest >> 48)
    }
    throw .chainLoops(head: head)
  }

  /// The rest of a chain in an indirect table (VIRTIO 1.2 section 2.7.5.3). The flag WRITE of the
  /// descriptor that led here is ignored (2.7.5.3.2).
  private mutating func walkTable(
    at table: UInt64, _ byteCount: UInt32, _ head: UInt16, _ segments: inout Segments,
    _ before: Segments.Tally
  ) throws(RingFault) {
    guard allowsTables else { throw .indirectNotNegotiated }
    guard byteCount > 0, byteCount % 16 == 0 else { throw .tableSize(byteCount) }
    let entries = byteCount / 16
    var (tally, index) = (before, UInt16(0))
    // No chain is longer than the queue, tables included (2.7.5.3.1).
    for _ in segments.count..<size.count {
      guard UInt32(index) < entries else { throw .noSuchDescriptor(index) }
      let (address, rest) = try descriptor(at: table &+ 16 &* UInt64(index))
      let flags = UInt16(truncatingIfNeeded: rest >> 32)
      guard flags <= 7 else { throw .unknownFlags(flags) }
      guard flags & SplitLayout.isTable == 0 else { throw .nestedTable }
      try add(address, UInt32(truncatingIfNeeded: rest), flags, &segments, &tally)
      guard flags & SplitLayout.continues != 0 else { return try finish(&segments, tally) }
      index = UInt16(truncatingIfNeeded: rest >> 48)
    }
    throw .chainLoops(head: head)
  }

  @inline(__always)
  private func descriptor(at address: UInt64) throws(RingFault) -> (UInt64, UInt64) {
    do { return try memory.words(at: GuestAddress(address)) } catch { throw .memory(error) }
  }

  @inline(__always)
  private func add(
    _ address: UInt64, _ count: UInt32, _ flags: UInt16, _ segments: inout Segments,
    _ tally: inout Segments.Tally
  ) throws(RingFault) {
    let isWritable = flags & SplitLayout.isWritable != 0
    let before = tally
    if segments.append(address, count, isWritable: isWritable, &tally) { return }
    tally = before
    segments.grow()
    guard segments.append(address, count, isWritable: isWritable, &tally) else {
      throw .readableAfterWritable
    }
  }

  @inline(__always)
  private func finish(_ segments: inout Segments, _ tally: Segments.Tally) throws(RingFault) {
    guard segments.settle(tally) else { throw .chainTooLong }
  }
}
