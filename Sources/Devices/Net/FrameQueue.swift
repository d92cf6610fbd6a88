internal import SharedMemory
internal import Virtio

/// Frames that wait for their receiver, oldest first, with their headers: a ring of bytes that
/// takes its memory once, when a guest is there, and of which only what is used is resident.
package struct FrameQueue {
  /// A frame in the queue: its header, and where its bytes are.
  package struct Place: BitwiseCopyable, Equatable, Sendable {
    package let header: NetHeader
    let start: Int
    package let byteCount: Int
    package var range: Range<Int> { start..<(start + byteCount) }
  }

  /// The bytes of all frames; `Place.range` says which are whose.
  package internal(set) var bytes: [UInt8] = []
  /// Where the oldest entry begins, and where the next one would.
  private var head = 0
  private var tail = 0
  /// The newest entries are at the start again, before the oldest, which end at `limit`.
  private var isWrapped = false
  private var limit = 0
  package private(set) var count = 0

  /// Header and length; entries begin at multiples of 16.
  private static let leadByteCount = 16

  package init() {}

  /// Takes memory, once.
  package mutating func open(byteCount: Int = NetLimits.queueByteCount) {
    guard bytes.isEmpty else { return }
    bytes = scratchBytes(byteCount)
  }

  /// Forgets all frames and gives the memory back.
  package mutating func close() { self = FrameQueue() }

  /// Forgets all frames.
  package mutating func removeAll() {
    (head, tail, count, isWrapped) = (0, 0, 0, false)
  }

  /// Finds room for a frame, whose bytes are then written to `bytes` at the place, and which
  /// is then committed; nil when there is none.
  @inline(__always)
  mutating func room(for byteCount: Int, _ header: NetHeader) -> Place? {
    let needed = Self.entryByteCount(byteCount)
    // At the start again, where memory is warm.
    if count == 0 { removeAll() }
    var start = tail
    if isWrapped {
      guard head - tail >= needed else { return nil }
    } else if bytes.count - tail < needed {
      guard head >= needed else { return nil }
      start = 0
    }
    return Place(header: header, start: start + Self.leadByteCount, byteCount: byteCount)
  }

  /// Adds the frame whose room was found last.
  @inline(__always)
  mutating func commit(_ place: Place) {
    var all = bytes.mutableSpan
    Self.setLead(place, &all)
    advance(behind: place)
  }

  @inline(__always)
  private static func setLead(_ place: Place, _ bytes: inout MutableSpan<UInt8>) {
    let start = place.start - leadByteCount
    setWordOfBytes(&bytes, at: start, to: place.header.low)
    setWordOfBytes(&bytes, at: start + 8, to: place.header.high | UInt64(place.byteCount) << 32)
  }

  @inline(__always)
  private mutating func advance(behind place: Place) {
    let start = place.start - Self.leadByteCount
    if start < tail {
      limit = tail
      isWrapped = true
    }
    tail = start + Self.entryByteCount(place.byteCount)
    count += 1
  }

  /// The oldest frame. Inlined, for else the whole queue is read anew for each, just after parts of
  /// it were written.
  @inline(__always)
  package var first: Place? {
    guard count > 0 else { return nil }
    let all = bytes.span
    let high = wordOfBytes(all, at: head + 8)
    return Place(
      header: NetHeader(low: wordOfBytes(all, at: head), high: high),
      start: head + Self.leadByteCount, byteCount: Int(high >> 32))
  }

  /// Forgets the oldest frame, if there is one.
  package mutating func removeFirst() {
    if let first { remove(first) }
  }

  /// Forgets the oldest frame, which is this one.
  @inline(__always)
  mutating func remove(_ first: Place) {
    head += Self.entryByteCount(first.byteCount)
    count -= 1
    guard isWrapped, head == limit else { return }
    head = 0
    isWrapped = false
  }

  /// Adds a frame whose bytes are at hand; false when there is no room.
  package mutating func append(_ header: NetHeader, _ frame: borrowing Span<UInt8>) -> Bool {
    guard let place = room(for: frame.count, header) else { return false }
    var target = bytes.mutableSpan
    copyBytes(frame, to: &target, at: place.start)
    commit(place)
    return true
  }

  /// Copies a frame from a guest; false when there is no room.
  mutating func append(
    _ frame: OutgoingFrame, _ segments: borrowing Segments, _ memory: GuestMemory
  ) throws(MemoryFault) -> Bool {
    guard let room = room(for: frame.byteCount, frame.header) else { return false }
    var target = bytes.mutableSpan
    try segments.copyOut(
      from: frame.offset, frame.byteCount, into: &target, at: room.start, of: memory)
    Self.setLead(room, &target)
    advance(behind: room)
    return true
  }

  private static func entryByteCount(_ byteCount: Int) -> Int {
    leadByteCount + (byteCount + 15) / 16 * 16
  }
}
