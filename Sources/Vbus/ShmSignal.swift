package import Rings

/// One side of a shm-signal: 16 shared bytes that make one doorbell of a burst of changes.
///
/// It carries no data and rings no bell itself; the answers say what the caller has to do. Every
/// value of a byte means something (0 is no, all others are yes), and nothing but when to look
/// depends on it: a peer that lies delays or wastes its own notifications.
///
/// Telling: `if signal.inject() { bell.ring() }` after each change.
///
/// Hearing, when memory cannot be looked at cheaply, and after a bell or a true `enable`:
///
///     while signal.begin() { … look at everything … ; guard signal.finish() else { break } }
///
/// The peer can keep that loop going: whoever serves others too counts its turns and comes back.
package struct ShmSignal<Memory: Words> {
  private let words: Memory
  private let offset: Int
  private let side: Side
  /// Ours to say, so that what the peer writes over it means nothing.
  package private(set) var isEnabled: Bool

  /// Finds a signal in bytes that the owner of the memory has formatted.
  package init(_ words: Memory, at offset: Int, as side: Side) throws(RingFault) {
    let magic = words.relaxed32(at: offset + ShmSignalLayout.magic)
    guard magic == ShmSignalLayout.magicNumber else { throw .wrongMagic(magic) }
    let version = words.relaxed32(at: offset + ShmSignalLayout.version)
    guard version == ShmSignalLayout.versionNumber else { throw .wrongVersion(version) }
    self.words = words
    self.offset = offset
    self.side = side
    isEnabled = words.relaxed8(at: offset + ShmSignalLayout.enabled(side)) != 0
  }

  // MARK: - Telling the peer

  /// Says that the memory has changed. True when the peer wants to be woken for it: ring.
  @inline(__always)
  package func inject() -> Bool {
    let peer = side.opposite
    // Release: whoever sees the mark sees the change.
    words.storeRelease(UInt8(1), at: offset &+ ShmSignalLayout.dirty(peer))
    // The peer clears `pending` or sets `enabled`, then looks; we do it the other way round.
    words.fence()
    guard words.relaxed8(at: offset &+ ShmSignalLayout.enabled(peer)) != 0,
      words.relaxed8(at: offset &+ ShmSignalLayout.pending(peer)) == 0
    else { return false }
    // Visible before the bell, which is a system call.
    words.storeRelease(UInt8(1), at: offset &+ ShmSignalLayout.pending(peer))
    return true
  }

  /// As `inject`, and the bell has to be rung whatever the bytes say: a predecessor may have died
  /// after it set `pending` and before it rang.
  package func insist() {
    words.storeRelease(UInt8(1), at: offset &+ ShmSignalLayout.dirty(side.opposite))
    words.storeRelease(UInt8(1), at: offset &+ ShmSignalLayout.pending(side.opposite))
  }

  // MARK: - Hearing the peer

  /// Begins to look, if there is a reason to: what changes from here on is marked anew.
  package func begin() -> Bool {
    guard isEnabled, isDirty || isPending else { return false }
    words.storeRelaxed(UInt8(0), at: offset &+ ShmSignalLayout.dirty(side))
    // A mark that is set while we look must not be hidden by our clearing it late.
    words.fence()
    return true
  }

  /// Ends a look. True when something changed meanwhile: begin again. Else the next change rings.
  package func finish() -> Bool {
    guard isEnabled else {
      words.storeRelaxed(UInt8(0), at: offset &+ ShmSignalLayout.pending(side))
      return false
    }
    // Until `pending` is cleared the peer rings no bell for what we are about to look at.
    if isDirty { return true }
    words.storeRelaxed(UInt8(0), at: offset &+ ShmSignalLayout.pending(side))
    words.fence()
    return isDirty
  }

  /// Asks for bells. True when something changed already, or a bell may have been lost with a
  /// predecessor: look now.
  package mutating func enable() -> Bool {
    isEnabled = true
    words.storeRelaxed(UInt8(1), at: offset &+ ShmSignalLayout.enabled(side))
    words.fence()
    return isDirty || isPending
  }

  /// Asks for no bells; what changes is marked all the same.
  @inline(__always)
  package mutating func disable() {
    isEnabled = false
    words.storeRelaxed(UInt8(0), at: offset &+ ShmSignalLayout.enabled(side))
  }

  /// Asks for a bell for what changes from here on. Only for who looks at the memory itself
  /// afterwards: it forgets the marks, so one fence does for all.
  @inline(__always)
  package mutating func listen() {
    isEnabled = true
    forgetAndAsk()
  }

  /// Apart from `listen`, or the compiler counts a reference to what `words` lies in.
  @inline(__always)
  private func forgetAndAsk() {
    words.storeRelaxed(UInt8(0), at: offset &+ ShmSignalLayout.dirty(side))
    words.storeRelaxed(UInt8(0), at: offset &+ ShmSignalLayout.pending(side))
    words.storeRelaxed(UInt8(1), at: offset &+ ShmSignalLayout.enabled(side))
    words.fence()
  }

  private var isDirty: Bool { words.relaxed8(at: offset &+ ShmSignalLayout.dirty(side)) != 0 }
  private var isPending: Bool { words.relaxed8(at: offset &+ ShmSignalLayout.pending(side)) != 0 }
}
