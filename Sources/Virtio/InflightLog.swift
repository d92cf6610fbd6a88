public import SharedMemory

/// The log of chains taken and not yet given back, in the layout and by the steps of vhost-user's
/// "Inflight I/O tracking" for split virtqueues (QueueRegionSplit, DescStateSplit).
///
/// It lies in memory that outlives the process. Its stores become visible in program order, so a
/// successor finds a log that fits one moment between two stores, and `recover` knows each.
/// The memory may be a front end's (INFLIGHT_SHMFD): what is read from it is checked.
public struct InflightLog {
  // QueueRegionSplit.
  private static let features = 0
  private static let version = 8
  private static let descriptorCount = 10
  @usableFromInline static let lastBatchHead = 12
  private static let usedIndex = 14
  private static let headerByteCount = 16
  // DescStateSplit.
  @usableFromInline static let inFlight = 0
  @usableFromInline static let next = 6
  @usableFromInline static let counter = 8
  private static let stateByteCount = 16

  @usableFromInline let words: SharedWindow
  @usableFromInline let states: SharedRecords
  private let size: QueueSize

  package static func byteCount(_ size: QueueSize) -> Int {
    headerByteCount + stateByteCount * size.count
  }

  /// A log for a queue of `size` in bytes that are zero when nobody has used it.
  package init(_ words: SharedWindow, size: QueueSize) {
    precondition(words.byteCount >= Self.byteCount(size))
    self.words = words
    states = SharedRecords(words, at: Self.headerByteCount, mask: size.mask)
    self.size = size
  }

  /// True until a ring begins it; version 0 means uninitialised.
  package var isFresh: Bool { words.relaxed16(at: Self.version) == 0 }

  /// Makes it fresh again: the queue was stopped or reset, and nothing is in flight.
  package func clear() { words.storeRelease(UInt16(0), at: Self.version) }

  func begin(size: QueueSize, usedIndex: UInt16) {
    for head in 0..<size.rawValue {
      states.storeRelaxed(UInt64(0), head, Self.inFlight)
      states.storeRelaxed(UInt64(0), head, Self.counter)
    }
    words.storeRelaxed(UInt64(0), at: Self.features)
    words.storeRelaxed(size.rawValue, at: Self.descriptorCount)
    words.storeRelaxed(UInt16(0), at: Self.lastBatchHead)
    words.storeRelaxed(usedIndex, at: Self.usedIndex)
    // Last: what comes before it counts only with it.
    words.storeRelease(UInt16(1), at: Self.version)
  }

  @inlinable @inline(__always)
  func isInFlight(_ head: UInt16) -> Bool { states.relaxed8(head, Self.inFlight) != 0 }

  /// Receiving an available chain: its counter first, then the mark. False when it is in flight.
  @inlinable @inline(__always)
  func take(_ head: UInt16, order: UInt64) -> Bool {
    guard !isInFlight(head) else { return false }
    states.storeRelaxed(order, head, Self.counter)
    states.storeRelease(UInt8(1), head, Self.inFlight)
    return true
  }

  /// Takes the mark back from the chain that was received last.
  @inline(__always)
  func putBack(_ head: UInt16) { states.storeRelease(UInt8(0), head, Self.inFlight) }

  /// Supplying a used chain: it becomes the head of the batch's list.
  @inlinable @inline(__always)
  func settle(_ head: UInt16) {
    let last = words.relaxed16(at: Self.lastBatchHead)
    states.storeRelaxed(last, head, Self.next)
    words.storeRelease(head, at: Self.lastBatchHead)
  }

  /// After the used index was raised by `count`: the batch is no longer in flight.
  @inline(__always)
  func publish(_ count: UInt16, usedIndex: UInt16) {
    endBatch(count)
    words.storeRelease(usedIndex, at: Self.usedIndex)
  }

  /// Takes the mark from the `count` newest chains of the list; false when the list is broken.
  @discardableResult
  private func endBatch(_ count: UInt16) -> Bool {
    var head = words.relaxed16(at: Self.lastBatchHead)
    for _ in 0..<count {
      guard head < size.rawValue else { return false }
      states.storeRelease(UInt8(0), head, Self.inFlight)
      head = states.relaxed16(head, Self.next)
    }
    return true
  }

  /// Finds out what a predecessor had in flight, in the order in which it was taken, and the next
  /// number of that order.
  func recover(
    size: QueueSize, usedIndex: UInt16
  ) throws(RingFault) -> (heads: [UInt16], order: UInt64) {
    guard words.relaxed16(at: Self.version) == 1,
      words.relaxed16(at: Self.descriptorCount) == size.rawValue
    else { throw .logDisagrees }
    // The predecessor may have died between raising the used index and taking the marks.
    let batch = usedIndex &- words.relaxed16(at: Self.usedIndex)
    guard batch <= size.rawValue, endBatch(batch) else { throw .logDisagrees }
    words.storeRelease(usedIndex, at: Self.usedIndex)
    var found: [(head: UInt16, order: UInt64)] = []
    for head in 0..<size.rawValue where isInFlight(head) {
      found.append((head, states.relaxed64(head, Self.counter)))
    }
    // Orders wrap only after 2^64 chains: plain comparison is right.
    found.sort { $0.order < $1.order }
    return (found.map(\.head), found.last.map { $0.order &+ 1 } ?? 0)
  }
}
