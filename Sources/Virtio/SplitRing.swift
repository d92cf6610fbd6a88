@_exported public import Rings
public import SharedMemory

/// The device's half of a split virtqueue (VIRTIO 1.2 section 2.7).
///
/// Takes no memory and counts no references per chain. With an in-flight log it can be taken over
/// by a successor after the process died at any moment: what was taken and not published is
/// handed out again, once, and nothing else.
///
/// Public where a chain is taken and given back, so that devices have these steps in their loops: as
/// calls they make a chain take a tenth longer.
public struct SplitRing: Ring, ~Copyable {
  public let size: QueueSize
  public var capacity: Int { size.count }
  let layout: SplitLayout
  @usableFromInline let descriptors: SharedPairs
  let available: SharedWindow
  let used: SharedWindow
  /// The slots of `available` and `used`.
  @usableFromInline let offers: SharedOffers
  @usableFromInline let returns: SharedReturns
  @usableFromInline let memory: GuestMemory
  let hasEventIndex: Bool
  let allowsTables: Bool

  /// The available index of the next chain to take.
  @usableFromInline var place: UInt16
  public var taken: UInt16 { place }
  /// The used index that the driver can see.
  public private(set) var published: UInt16
  /// The used index after all that was settled, published or not.
  @usableFromInline var settled: UInt16
  /// What the two indexes are apart when no chain is out: the device may have begun anywhere.
  private let lead: UInt16
  /// The available index last read; chains up to it may be taken without reading it again.
  @usableFromInline var seen: UInt16
  /// The used index at which the driver was last considered for an interrupt.
  var considered: UInt16
  /// A predecessor may have died between publishing and interrupting.
  var owesInterrupt: Bool

  @usableFromInline let log: InflightLog?
  @usableFromInline var order: UInt64 = 0
  /// What a predecessor had taken and not published, in its order.
  private var backlog: [UInt16] = []
  private var again = 0
  private var againCount = 0

  /// Finds the three areas in the guest's memory and starts at available index `start`.
  ///
  /// A log that a predecessor used decides where the ring goes on, and `start` is not looked at.
  /// Look at the ring once without waiting for a kick: one may have been used up before.
  package init(
    size: QueueSize, at addresses: SplitAddresses, memory: GuestMemory, start: UInt16,
    features: FeatureBits, log: InflightLog? = nil
  ) throws(RingFault) {
    let layout = SplitLayout(size)
    // VIRTIO 1.2 section 2.7: aligned to 16, 2 and 4.
    let descriptors = try Self.window(
      .descriptors, addresses.descriptors, layout.descriptorsByteCount,
      SplitLayout.descriptorAlignment, memory)
    let available = try Self.window(
      .available, addresses.available, layout.availableByteCount, SplitLayout.availableAlignment,
      memory)
    let used = try Self.window(
      .used, addresses.used, layout.usedByteCount, SplitLayout.usedAlignment, memory)
    try self.init(
      size: size, descriptors: descriptors, available: available, used: used, memory: memory,
      start: start, features: features, log: log)
  }

  /// As above, with the areas already found.
  package init(
    size: QueueSize, descriptors: SharedWindow, available: SharedWindow, used: SharedWindow,
    memory: GuestMemory, start: UInt16, features: FeatureBits, log: InflightLog? = nil
  ) throws(RingFault) {
    let layout = SplitLayout(size)
    precondition(available.byteCount >= layout.availableByteCount)
    precondition(used.byteCount >= layout.usedByteCount)
    // All that can throw comes before the first stored property: with a property set and a throw
    // behind it, Swift 6.3 releases the windows once too often in optimised builds.
    let usedIndex = used.acquire16(at: SplitLayout.index)
    var found: (heads: [UInt16], order: UInt64)?
    if let log {
      if log.isFresh {
        log.begin(size: size, usedIndex: usedIndex)
      } else {
        found = try log.recover(size: size, usedIndex: usedIndex)
      }
    }
    let inFlight = UInt16(found?.heads.count ?? 0)
    let first = found == nil ? start : usedIndex &+ inFlight
    self.layout = layout
    self.size = size
    self.descriptors = SharedPairs(descriptors, count: size.rawValue)
    self.available = available
    self.used = used
    offers = SharedOffers(available, at: layout.availableSlot(0), mask: size.mask)
    returns = SharedReturns(used, at: layout.usedSlot(0), mask: size.mask)
    self.memory = memory
    self.log = log
    hasEventIndex = features.contains(.eventIndex)
    allowsTables = features.contains(.indirectDescriptors)
    published = usedIndex
    settled = usedIndex
    lead = first &- usedIndex &- inFlight
    considered = usedIndex
    place = first
    seen = first
    owesInterrupt = found != nil || start != 0
    backlog = found?.heads ?? []
    againCount = found?.heads.count ?? 0
    order = found?.order ?? 0
  }

  private static func window(
    _ part: RingFault.Part, _ address: UInt64, _ byteCount: Int, _ alignment: Int,
    _ memory: GuestMemory
  ) throws(RingFault) -> SharedWindow {
    do {
      return try memory.window(
        userAddress: address, byteCount: byteCount, alignment: alignment)
    } catch { throw .misplaced(part, error) }
  }

  /// The available index as the driver has it now: for a person to look at.
  package var offered: UInt16 { available.relaxed16(at: SplitLayout.index) }

  /// Chains a predecessor had in flight that have not been handed out again yet.
  package var backlogCount: Int { againCount - again }

  /// Chains taken and not published.
  private var outstanding: UInt16 { taken &- published &- lead }

  @inlinable @inline(__always)
  public mutating func next(_ segments: inout Segments) throws(RingFault) -> Loan? {
    // What is rare is done elsewhere, so that here all is in registers.
    guard seen != place, !memory.isTorn else { return try nextAfterLooking(&segments) }
    let head = offers.relaxed(place)
    place &+= 1
    guard walkPlain(from: head, &segments), note(head) else {
      place &-= 1
      return try nextAfterWalking(from: head, &segments)
    }
    return Loan(head: head)
  }

  /// Writes down in the log that a chain is taken. False when it was taken before.
  @inlinable @inline(__always)
  mutating func note(_ head: UInt16) -> Bool {
    // Not `if let`: that would count a reference per chain.
    guard log != nil else { return true }
    guard log?.take(head, order: order) != false else { return false }
    order &+= 1
    return true
  }

  /// The next chain when it is not known whether there is one.
  @inline(never) @usableFromInline
  mutating func nextAfterLooking(_ segments: inout Segments) throws(RingFault) -> Loan? {
    // Zeros stand where the guest's memory was: nothing there is the driver's word.
    guard !memory.isTorn else { throw .memoryTorn }
    // Until all of the backlog is handed out nothing else is looked at.
    if again < againCount { return try nextAgain(&segments) }
    // Acquire: what the driver wrote before it moved the index is visible (2.7.13.3).
    let offered = available.acquire16(at: SplitLayout.index)
    let waiting = offered &- taken
    guard waiting != 0 else { return nil }
    guard UInt32(waiting) &+ UInt32(outstanding) <= UInt32(size.rawValue) else {
      throw .offersMoreThanItHolds(waiting)
    }
    seen = offered
    return try next(&segments)
  }

  /// The next chain, which is one that has a table, is long, or breaks a rule.
  @inline(never) @usableFromInline
  mutating func nextAfterWalking(
    from head: UInt16, _ segments: inout Segments
  ) throws(RingFault) -> Loan? {
    try walkAny(from: head, &segments)
    guard note(head) else { throw .offeredTwice(head: head) }
    place &+= 1
    return Loan(head: head)
  }

  /// Hands out what a predecessor had taken: the log and the counts have it already.
  private mutating func nextAgain(_ segments: inout Segments) throws(RingFault) -> Loan? {
    let head = backlog[again]
    try walkAny(from: head, &segments)
    again += 1
    return Loan(head: head, isAgain: true)
  }

  @inlinable @inline(__always)
  public mutating func settle(_ loan: consuming Loan, written: UInt32) {
    let head = loan.settled()
    returns.storeRelaxed(UInt32(head), written, at: settled)
    log?.settle(head)
    settled &+= 1
  }

  public mutating func putBack(_ loan: consuming Loan) {
    let isAgain = loan.isAgain
    let head = loan.settled()
    guard !isAgain else {
      again -= 1
      return
    }
    place &-= 1
    log?.putBack(head)
  }

  /// Gives back, unused, what a predecessor had taken and nobody had a use for: the ring stops
  /// here, and the driver may go on elsewhere.
  package mutating func returnBacklog() {
    while again < backlog.count {
      let head = backlog[again]
      again += 1
      settle(Loan(head: head, isAgain: true), written: 0)
    }
    publish()
  }

  public mutating func publish() {
    // What was served on torn memory stays unpublished; the next `next` says why.
    let count = settled &- published
    guard count != 0, !memory.isTorn else { return }
    published = settled
    // Release: the used elements and the payload are visible before the index (2.7.8.2).
    used.storeRelease(published, at: SplitLayout.index)
    log?.publish(count, usedIndex: published)
  }
}
