/// The device's half of a virtqueue, whatever its layout. A worker is written once against this.
///
///     while let loan = try ring.next(&segments) { … ring.settle(loan, written: count) }
///     ring.publish()
///     if ring.shouldInterrupt() { call.ring() }
///     if ring.enableKicks() { … serve again … }
///
/// Public, for only then does a worker of another module that is made for one ring call it without
/// a table, and have it inlined.
public protocol Ring: ~Copyable {
  /// How many entries it has, and so how many chains can be out at most.
  var capacity: Int { get }
  /// The next entry that the device takes, and the next that it gives back: for a person to look at.
  var taken: UInt16 { get }
  var published: UInt16 { get }

  /// Takes the oldest chain on offer and lists its buffers in `segments`; nil when none waits.
  /// A broken rule leaves the ring where it was, so that it shows where it broke.
  mutating func next(_ segments: inout Segments) throws(RingFault) -> Loan?

  /// Gives a chain back with the number of bytes written to its writable buffers, from their
  /// start. The driver sees it at the next `publish`.
  mutating func settle(_ loan: consuming Loan, written: UInt32)

  /// Takes back that the newest chain was taken: it is the next one again. With several, the
  /// newest goes first; none may have been settled since it was taken.
  mutating func putBack(_ loan: consuming Loan)

  /// Shows the driver all that was settled, at once.
  mutating func publish()

  /// Whether the driver wants to hear of what was published since this was last asked.
  mutating func shouldInterrupt() -> Bool

  /// Asks the driver not to kick: the device is looking anyway.
  mutating func disableKicks()

  /// Asks the driver to kick for the next chain. True when one arrived meanwhile: serve again.
  mutating func enableKicks() -> Bool
}
