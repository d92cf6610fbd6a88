public import SharedMemory

/// The bytes of a chain as the device sees them: one readable and one writable string of bytes.
/// How the driver cut them into buffers means nothing (VIRTIO 1.2 section 2.7.4.1).
extension Segments {
  /// A place in the readable or the writable bytes.
  package struct Position {
    fileprivate var index: Int
    fileprivate var end: Int
    fileprivate var offset: UInt64
  }

  /// The readable bytes from `offset` on.
  package func readable(from offset: UInt64) -> Position {
    skip(offset, in: 0..<readableCount)
  }

  /// The writable bytes from `offset` on.
  package func writable(from offset: UInt64) -> Position {
    skip(offset, in: readableCount..<count)
  }

  private func skip(_ offset: UInt64, in range: Range<Int>) -> Position {
    var place = Position(index: range.lowerBound, end: range.upperBound, offset: offset)
    while place.index < place.end, place.offset >= UInt64(self[place.index].count) {
      place.offset -= UInt64(self[place.index].count)
      place.index += 1
    }
    return place
  }

  /// Copies `count` readable bytes from `offset` on to index `start` of `bytes`; there must be as
  /// many. Most chains have them in one buffer: that is done where it is asked for.
  @inlinable @inline(__always)
  public func copyOut(
    from offset: UInt64, _ count: Int, into bytes: inout MutableSpan<UInt8>, at start: Int = 0,
    of memory: GuestMemory
  ) throws(MemoryFault) {
    guard tally.readableCount > 0, offset <= UInt64(self[0].count),
      UInt64(self[0].count) &- offset >= UInt64(truncatingIfNeeded: count)
    else { return try copyOutPieces(from: offset, count, into: &bytes, at: start, of: memory) }
    let address = GuestAddress(self[0].address.rawValue &+ offset)
    try memory.copyOut(from: address, count, into: &bytes, at: start)
  }

  /// Twelve readable bytes from `offset` on as two numbers, the first byte lowest; nil where they
  /// are not in the first buffer, in one region.
  @inlinable @inline(__always)
  public func twelve(
    from offset: UInt64, of memory: GuestMemory
  ) -> (low: UInt64, high: UInt32)? {
    guard tally.readableCount > 0, offset <= UInt64(self[0].count),
      UInt64(self[0].count) &- offset >= 12
    else { return nil }
    return memory.twelve(at: GuestAddress(self[0].address.rawValue &+ offset))
  }

  /// Copies twelve bytes, given as two numbers, and `bytes` behind them to the first writable
  /// buffer. False, and nothing is copied, where that has no room for all, in one region.
  @inlinable @inline(__always)
  public func copyIn(
    _ twelve: (low: UInt64, high: UInt32), _ bytes: borrowing Span<UInt8>, of memory: GuestMemory
  ) -> Bool {
    let index = tally.readableCount
    guard index < count, bytes.count <= Int(self[index].count) &- 12 else { return false }
    return memory.copyIn(twelve, bytes, to: self[index].address)
  }

  @inline(never) @usableFromInline
  func copyOutPieces(
    from offset: UInt64, _ count: Int, into bytes: inout MutableSpan<UInt8>, at start: Int,
    of memory: GuestMemory
  ) throws(MemoryFault) {
    var place = readable(from: offset)
    _ = try copyOut(&place, count, into: &bytes, at: start, of: memory)
  }

  /// Copies bytes to the writable ones from `offset` on; answers how many found room.
  @inlinable @inline(__always)
  public func copyIn(
    _ bytes: borrowing Span<UInt8>, at offset: UInt64, of memory: GuestMemory
  ) throws(MemoryFault) -> Int {
    let index = tally.readableCount
    guard index < count, offset <= UInt64(self[index].count),
      UInt64(self[index].count) &- offset >= UInt64(truncatingIfNeeded: bytes.count)
    else { return try copyInPieces(bytes, at: offset, of: memory) }
    try memory.copyIn(bytes, to: GuestAddress(self[index].address.rawValue &+ offset))
    return bytes.count
  }

  @inline(never) @usableFromInline
  func copyInPieces(
    _ bytes: borrowing Span<UInt8>, at offset: UInt64, of memory: GuestMemory
  ) throws(MemoryFault) -> Int {
    var place = writable(from: offset)
    return try copyIn(bytes, at: &place, of: memory)
  }

  /// The next stretch of at most `limit` bytes, and moves past it; nil at the end.
  private func step(
    _ place: inout Position, limit: UInt64
  ) -> (address: GuestAddress, count: UInt64)? {
    while place.index < place.end {
      let segment = self[place.index]
      let left = UInt64(segment.count) - place.offset
      guard left > 0 else {
        place.index += 1
        place.offset = 0
        continue
      }
      let count = min(left, limit)
      let address = GuestAddress(segment.address.rawValue &+ place.offset)
      place.offset += count
      return (address, count)
    }
    return nil
  }

  /// Copies readable bytes from `place` on until `bytes` is full or the chain ends; answers how
  /// many came.
  package func copyOut(
    _ place: inout Position, into bytes: inout MutableSpan<UInt8>, of memory: GuestMemory
  ) throws(MemoryFault) -> Int {
    try copyOut(&place, bytes.count, into: &bytes, of: memory)
  }

  /// Copies at most `count` readable bytes from `place` on to index `start` of `bytes`, which has
  /// room for them; answers how many came.
  package func copyOut(
    _ place: inout Position, _ count: Int, into bytes: inout MutableSpan<UInt8>,
    at start: Int = 0, of memory: GuestMemory
  ) throws(MemoryFault) -> Int {
    var done = 0
    while done < count, let part = step(&place, limit: UInt64(count - done)) {
      try memory.copyOut(from: part.address, Int(part.count), into: &bytes, at: start + done)
      done += Int(part.count)
    }
    return done
  }

  /// Copies bytes to the writable ones from `place` on; answers how many found room.
  package func copyIn(
    _ bytes: borrowing Span<UInt8>, at place: inout Position, of memory: GuestMemory
  ) throws(MemoryFault) -> Int {
    var done = 0
    while done < bytes.count,
      let part = step(&place, limit: UInt64(bytes.count - done))
    {
      try memory.copyIn(bytes.extracting(done..<(done + Int(part.count))), to: part.address)
      done += Int(part.count)
    }
    return done
  }

  /// Fills `byteCount` writable bytes from `place` on with zeros, or as many as there are.
  package func fillZero(
    _ place: inout Position, _ byteCount: UInt64, of memory: GuestMemory
  ) throws(MemoryFault) {
    var left = byteCount
    while left > 0, let part = step(&place, limit: left) {
      try memory.fillZero(part.address, part.count)
      left -= part.count
    }
  }

  /// Adds bytes from `place` on to a transfer until `limit` bytes are in it or it is full.
  /// Answers how many were added; `place` is behind them.
  package func add(
    _ place: inout Position, to transfer: inout Transfer, limit: UInt64, of memory: GuestMemory
  ) throws(MemoryFault) -> UInt64 {
    var done: UInt64 = 0
    while done < limit {
      guard let part = step(&place, limit: limit - done) else { return done }
      let added =
        place.end > readableCount
        ? try transfer.appendTarget(memory, part.address, part.count)
        : try transfer.appendSource(memory, part.address, part.count)
      done += added
      guard added == part.count else {
        // Behind what was added, in the buffer where `step` has left the place: it may have begun in
        // one before.
        place.offset -= part.count - added
        return done
      }
    }
    return done
  }
}
