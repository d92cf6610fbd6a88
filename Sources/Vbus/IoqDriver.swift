package import Rings

/// North's end of an ioq: posts buffers, reaps them in the same order.
///
/// As careful as the device's end, for a host may fail too. Its memory is taken once.
package struct IoqDriver<Memory: Words>: ~Copyable {
  package let size: IoqSize
  package let flow: Flow
  private let words: Memory
  private var signal: ShmSignal<Memory>
  /// What each posted buffer holds, out of the device's reach.
  private var lengths: [UInt32]

  /// The next slot to post to.
  private var posted: UInt16 = 0
  /// Posted and not published.
  private var waiting: UInt16 = 0
  /// The next slot to reap.
  private var reaped: UInt16 = 0
  /// Entries that the device has.
  package private(set) var lent: UInt16 = 0
  /// Slots that were never posted to.
  private var fresh: UInt16

  /// Formats all of `words`, which must have exactly the size of such a ring.
  package init(formatting words: Memory, size: IoqSize, flow: Flow) throws(RingFault) {
    IoqLayout.format(words, size: size)
    let signal = try ShmSignal(words, at: IoqLayout.signal, as: .north)
    self.size = size
    self.flow = flow
    self.words = words
    self.signal = signal
    lengths = Array(repeating: 0, count: size.count)
    fresh = size.rawValue
  }

  package var isFull: Bool { lent &+ waiting == size.rawValue }

  /// Posts a buffer; the device sees it at the next `publish`. Answers its slot, nil when full.
  package mutating func post(cookie: UInt64, address: UInt64, byteCount: UInt32) -> UInt16? {
    guard !isFull else { return nil }
    let slot = posted
    let place = IoqLayout.descriptor(slot)
    words.storeRelaxed(cookie, at: place &+ IoqLayout.cookie)
    words.storeRelaxed(address, at: place &+ IoqLayout.address)
    words.storeRelaxed(UInt64(byteCount), at: place &+ IoqLayout.length)
    words.storeRelaxed(UInt8(1), at: place &+ IoqLayout.isValid)
    lengths[Int(slot)] = byteCount
    posted = size.after(slot)
    waiting &+= 1
    return slot
  }

  /// Hands all that was posted to the device; true when it wants a bell for it.
  package mutating func publish() -> Bool {
    guard waiting != 0 else { return false }
    moveIndices()
    var slot = size.slot(size.rawValue &- waiting, after: posted)
    for _ in 0..<waiting {
      // Release: the descriptor and the index are visible before the owner.
      words.storeRelease(UInt8(1), at: IoqLayout.descriptor(slot) &+ IoqLayout.owner)
      slot = size.after(slot)
    }
    lent &+= waiting
    waiting = 0
    return signal.inject()
  }

  /// Towards the device both tails move. From the device a slot's first buffer moves the tail of
  /// `valid`; each later one replaces one that was drained, which moves the head of `inUse`.
  private mutating func moveIndices() {
    let new = min(waiting, fresh)
    fresh &-= new
    switch flow {
    case .toDevice:
      words.storeRelaxed(UInt32(posted), at: IoqLayout.Index.valid + IoqLayout.Index.tail)
      if lent &+ waiting == size.rawValue { setValidFull(true) }
      words.storeRelaxed(UInt32(posted), at: IoqLayout.Index.inUse + IoqLayout.Index.tail)
      IoqLayout.noteFull(words, tail: posted)
    case .fromDevice:
      if new != 0 {
        let tail = fresh == 0 ? 0 : size.rawValue &- fresh
        words.storeRelaxed(UInt32(tail), at: IoqLayout.Index.valid + IoqLayout.Index.tail)
        if fresh == 0 { setValidFull(true) }
      }
      if waiting != new {
        words.storeRelaxed(UInt32(posted), at: IoqLayout.Index.inUse + IoqLayout.Index.head)
        words.storeRelaxed(UInt8(0), at: IoqLayout.Index.inUse + IoqLayout.Index.full)
      }
    }
  }

  private func setValidFull(_ isFull: Bool) {
    words.storeRelaxed(
      UInt8(isFull ? 1 : 0), at: IoqLayout.Index.valid + IoqLayout.Index.full)
  }

  /// Takes back the oldest buffer, if the device is done with it; nil when it is not.
  package mutating func reap() throws(RingFault) -> IoqCompletion? {
    guard lent != 0 else { return nil }
    let slot = reaped
    let place = IoqLayout.descriptor(slot)
    // Acquire: what the device wrote before it gave the entry back is visible.
    let owner = words.acquire8(at: place &+ IoqLayout.owner)
    guard owner <= 1 else { throw .neitherYesNorNo(owner) }
    guard owner == 0 else { return nil }
    let cookie = words.relaxed64(at: place &+ IoqLayout.cookie)
    let written = flow == .fromDevice ? words.relaxed64(at: place &+ IoqLayout.length) : 0
    guard written <= UInt64(lengths[Int(slot)]) else { throw .overfilled(slot) }
    reaped = size.after(slot)
    lent &-= 1
    if flow == .toDevice {
      words.storeRelaxed(UInt32(reaped), at: IoqLayout.Index.valid + IoqLayout.Index.head)
      setValidFull(false)
    }
    return IoqCompletion(
      slot: slot, cookie: cookie, written: UInt32(truncatingIfNeeded: written))
  }

  /// Asks for no bells.
  package mutating func disableNotifications() { signal.disable() }

  /// Asks for a bell for the next entry that comes back. True when one did already.
  package mutating func enableNotifications() -> Bool {
    signal.listen()
    guard lent != 0 else { return false }
    let place = IoqLayout.descriptor(reaped)
    return words.acquire8(at: place &+ IoqLayout.owner) != 1
  }
}
