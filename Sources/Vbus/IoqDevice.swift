package import Rings

/// South's end of an ioq: takes posted buffers in order, gives them back in order.
///
/// An entry is ours when its owner byte says so, and nothing else: the indices are written for the
/// peer and for people to see, and never decide anything. Each word of the driver's is loaded once
/// and checked. No memory is taken and no references are counted per entry.
///
/// It can be taken over after this process died at any moment: what was taken and not published is
/// handed out again, and nothing else. For that the `valid` byte of an entry says that its buffer
/// is unused yet: we clear it before we show the index, and the index before the owner.
package struct IoqDevice<Memory: Words>: ~Copyable {
  package let size: IoqSize
  package let flow: Flow
  private let words: Memory
  private var signal: ShmSignal<Memory>
  /// Where the driver reads how far we are.
  private let cursor: Int

  /// The oldest entry that the driver has not got back.
  package private(set) var published: UInt16
  /// The next entry to take.
  package private(set) var taken: UInt16
  /// Entries taken and not published.
  package private(set) var outstanding: UInt16 = 0
  /// The first `ready` of them are settled, and end before slot `unsettled`.
  private var ready: UInt16 = 0
  private var unsettled: UInt16
  /// Settled before an older one was: a bit for each slot, and how many are set.
  private var early = InlineArray<32, UInt64>(repeating: 0)
  private var earlyCount: UInt16 = 0
  /// Entries behind the next one that were put back, and so were seen.
  private var putBackCount: UInt16 = 0
  /// Until we took an entry ourselves, the oldest may be some that a predecessor has settled.
  private var mayInherit = true
  /// Something was published since the driver was last considered for a bell.
  private var hasNews = false
  /// A predecessor may have died between publishing and ringing.
  private var owesBell = true

  /// Checks a ring that the driver has formatted, of exactly the length of `words`, and goes on
  /// where the driver was last told.
  ///
  /// Look at the ring once without waiting for a bell: one may have been used up before.
  package init(_ words: Memory, flow: Flow) throws(RingFault) {
    // All that can throw comes before the first stored property: with a property set and a throw
    // behind it, Swift 6.3 releases the words once too often in optimised builds.
    let size = try IoqLayout.check(words)
    let signal = try ShmSignal(words, at: IoqLayout.signal, as: .south)
    let cursor =
      IoqLayout.Index.inUse
      + (flow == .toDevice ? IoqLayout.Index.head : IoqLayout.Index.tail)
    let start = try IoqLayout.slot(words, at: cursor, of: size)
    self.size = size
    self.flow = flow
    self.words = words
    self.signal = signal
    self.cursor = cursor
    published = start
    taken = start
    unsettled = start
    recover(from: start)
  }

  /// Gives back what a predecessor had settled, shown by its index and not given back any more.
  private mutating func recover(from start: UInt16) {
    var slot = size.before(start)
    for _ in 0..<size.rawValue {
      let place = IoqLayout.descriptor(slot)
      // South's, and its buffer is used.
      guard owner(of: slot) == 1, words.relaxed8(at: place + IoqLayout.isValid) == 0 else {
        break
      }
      words.storeRelease(UInt8(0), at: IoqLayout.descriptor(slot) + IoqLayout.owner)
      slot = size.before(slot)
    }
  }

  /// Whose an entry is; what is loaded after this is what the driver wrote before it changed hands.
  @inline(__always)
  private func owner(of slot: UInt16) -> UInt8 {
    words.acquire8(at: IoqLayout.descriptor(slot) &+ IoqLayout.owner)
  }

  /// The oldest entry that the driver posted and nobody took; nil when none waits. A broken rule
  /// leaves the ring where it was.
  @inline(__always)
  package mutating func take() throws(RingFault) -> IoqOffer? {
    // At most one lap: more turns only over entries that a predecessor had settled.
    while outstanding < size.rawValue {
      let owner = owner(of: taken)
      guard owner != 0 else { break }
      let place = IoqLayout.descriptor(taken)
      let isValid = words.relaxed8(at: place &+ IoqLayout.isValid)
      guard owner | isValid == 1 else { throw .neitherYesNorNo(max(owner, isValid)) }
      guard isValid == 1 else {
        try passOver()
        continue
      }
      let address = words.relaxed64(at: place &+ IoqLayout.address)
      let length = words.relaxed64(at: place &+ IoqLayout.length)
      guard let byteCount = UInt32(exactly: length) else { throw .chainTooLong }
      let slot = taken
      advance()
      mayInherit = false
      return IoqOffer(slot: slot, address: address, byteCount: byteCount)
    }
    putBackCount = 0
    return nil
  }

  @inline(__always)
  private mutating func advance() {
    taken = size.after(taken)
    outstanding &+= 1
    if putBackCount != 0 { putBackCount &-= 1 }
  }

  /// An entry whose buffer a predecessor has used: it only has to be given back.
  @inline(never)
  private mutating func passOver() throws(RingFault) {
    guard mayInherit else { throw .offeredEmpty(taken) }
    let slot = taken
    advance()
    finish(slot)
  }

  /// Ends the use of an entry, with the number of bytes written to its buffer. The driver sees it
  /// at a `publish`, when all older ones have ended as well. Precondition: taken, not settled.
  @inline(__always)
  package mutating func settle(_ slot: UInt16, written: UInt32) {
    if flow == .fromDevice {
      words.storeRelaxed(
        UInt64(written), at: IoqLayout.descriptor(slot) &+ IoqLayout.length)
    }
    finish(slot)
  }

  @inline(__always)
  private mutating func finish(_ slot: UInt16) {
    guard slot == unsettled else {
      early[Int(slot >> 6)] |= 1 << UInt64(slot & 63)
      earlyCount &+= 1
      return
    }
    becomeReady(slot)
    if earlyCount != 0 { finishEarly() }
  }

  @inline(__always)
  private mutating func becomeReady(_ slot: UInt16) {
    words.storeRelaxed(UInt8(0), at: IoqLayout.descriptor(slot) &+ IoqLayout.isValid)
    unsettled = size.after(slot)
    ready &+= 1
  }

  /// Those that had to wait for the one that was settled just now.
  @inline(never)
  private mutating func finishEarly() {
    while earlyCount != 0 {
      let bit: UInt64 = 1 << UInt64(unsettled & 63)
      guard early[Int(unsettled >> 6)] & bit != 0 else { return }
      early[Int(unsettled >> 6)] &= ~bit
      earlyCount &-= 1
      becomeReady(unsettled)
    }
  }

  /// Takes back that the newest entry was taken. Precondition: there is one, and it is not settled.
  package mutating func putBack() {
    taken = size.before(taken)
    outstanding &-= 1
    putBackCount &+= 1
  }

  /// Gives the driver all that is settled, as far as all older ones are.
  @inline(__always)
  package mutating func publish() {
    guard ready != 0 else { return }
    // Release: a successor that sees the index sees which entries are used.
    words.storeRelease(UInt32(unsettled), at: cursor)
    if flow == .toDevice {
      words.storeRelaxed(UInt8(0), at: IoqLayout.Index.inUse + IoqLayout.Index.full)
    } else {
      IoqLayout.noteFull(words, tail: unsettled)
    }
    var slot = published
    for _ in 0..<ready {
      // Release: the buffer, its length and the index are visible before the owner.
      words.storeRelease(UInt8(0), at: IoqLayout.descriptor(slot) &+ IoqLayout.owner)
      slot = size.after(slot)
    }
    published = slot
    outstanding &-= ready
    ready = 0
    hasNews = true
  }

  /// Whether the driver wants to hear of what was published since this was last asked; the first
  /// time it is told in any case.
  @inline(__always)
  package mutating func shouldNotify() -> Bool {
    guard !owesBell else {
      (owesBell, hasNews) = (false, false)
      signal.insist()
      return true
    }
    guard hasNews else { return false }
    hasNews = false
    return signal.inject()
  }

  /// Asks the driver not to ring: the device is looking anyway.
  @inline(__always)
  package mutating func disableNotifications() { signal.disable() }

  /// Asks the driver to ring for the next entry. True when one arrived meanwhile that was not seen
  /// and put back.
  @inline(__always)
  package mutating func enableNotifications() -> Bool {
    signal.listen()
    guard outstanding &+ putBackCount < size.rawValue else { return false }
    // Anything but "not ours": a broken one is for `take` to name.
    return owner(of: size.slot(putBackCount, after: taken)) != 0
  }
}
