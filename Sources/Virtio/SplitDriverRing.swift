package import SharedMemory

/// The driver's half of a split virtqueue (VIRTIO 1.2 sections 2.7.13 and 2.7.14) in shared memory,
/// strict about what the device does. Its memory is taken once.
package struct SplitDriverRing: ~Copyable {
  package let size: QueueSize
  package let layout: SplitLayout
  package let descriptors: SharedWindow
  package let available: SharedWindow
  package let used: SharedWindow

  private let hasEventIndex: Bool
  /// The descriptor behind each, in its chain or in the list of free ones: out of the device's
  /// reach.
  private var followers: [UInt16]
  private var firstFree: UInt16 = 0
  package private(set) var freeCount: Int
  /// The descriptors of each lent chain, by head; 0 when it is not lent.
  private var lengths: [UInt16]
  private var next: UInt16 = 0
  private var shown: UInt16 = 0
  private var reaped: UInt16 = 0
  /// Chains that the device has.
  package private(set) var lentCount = 0

  /// A new ring. Preconditions: each area has its length and alignment, and holds zeros.
  package init(
    _ size: QueueSize, descriptors: SharedWindow, available: SharedWindow, used: SharedWindow,
    features: FeatureBits
  ) {
    // All that can stop comes before the first stored property: with a property set and a check
    // behind it, Swift 6.3 releases what was never stored in optimised builds.
    let layout = SplitLayout(size)
    precondition(descriptors.byteCount >= layout.descriptorsByteCount)
    precondition(available.byteCount >= layout.availableByteCount)
    precondition(used.byteCount >= layout.usedByteCount)
    let followers = (0..<size.rawValue).map { $0 &+ 1 }
    self.size = size
    self.layout = layout
    self.descriptors = descriptors
    self.available = available
    self.used = used
    hasEventIndex = features.contains(.eventIndex)
    self.followers = followers
    lengths = Array(repeating: 0, count: size.count)
    freeCount = size.count
  }

  /// Lends a chain: its buffers go into the descriptor table, its head into the available ring.
  /// The device sees it after `publish`. Nil when the table has no room.
  package mutating func offer(_ segments: [Segment]) -> UInt16? {
    guard let last = segments.last, segments.count <= freeCount else { return nil }
    let head = firstFree
    for segment in segments.dropLast() {
      let index = takeFree()
      write(segment, next: firstFree, at: index)
    }
    write(last, next: nil, at: takeFree())
    lend(head, length: UInt16(truncatingIfNeeded: segments.count))
    return head
  }

  /// As above, of a chain of one buffer.
  package mutating func offer(_ segment: Segment) -> UInt16? {
    guard freeCount > 0 else { return nil }
    let head = takeFree()
    write(segment, next: nil, at: head)
    lend(head, length: 1)
    return head
  }

  /// Lends a chain that an indirect table describes (2.7.5.3.1): one descriptor, whatever its
  /// length.
  package mutating func offerTable(at address: GuestAddress, byteCount: UInt32) -> UInt16? {
    guard freeCount > 0 else { return nil }
    let head = takeFree()
    Self.write(
      address.rawValue, byteCount, SplitLayout.isTable, 0, to: descriptors,
      at: layout.descriptor(head))
    lend(head, length: 1)
    return head
  }

  private mutating func takeFree() -> UInt16 {
    let index = firstFree
    firstFree = followers[Int(index)]
    freeCount -= 1
    return index
  }

  private mutating func lend(_ head: UInt16, length: UInt16) {
    lengths[Int(head)] = length
    lentCount += 1
    available.storeRelaxed(head, at: layout.availableSlot(next))
    next &+= 1
  }

  /// Shows the device all chains lent since; true when it wants a kick (2.7.10, 2.7.13.4).
  package mutating func publish() -> Bool {
    available.storeRelease(next, at: SplitLayout.index)
    fullFence()
    let before = shown
    shown = next
    guard hasEventIndex else {
      return used.relaxed16(at: SplitLayout.flags) & SplitLayout.unwanted == 0
    }
    return SplitRing.passes(
      used.relaxed16(at: layout.availableEvent), from: before, to: next)
  }

  /// Takes back the oldest chain that the device used; nil when there is none.
  package mutating func reap() throws(DeviceFault) -> SplitCompletion? {
    let waiting = used.acquire16(at: SplitLayout.index) &- reaped
    guard waiting != 0 else { return nil }
    guard waiting <= lentCount else { throw .usedTooMany(waiting) }
    let slot = layout.usedSlot(reaped)
    let id = used.relaxed32(at: slot)
    guard let head = UInt16(exactly: id), head < size.rawValue, lengths[Int(head)] != 0 else {
      throw .notLent(id)
    }
    free(head)
    reaped &+= 1
    return SplitCompletion(head: head, written: used.relaxed32(at: slot + 4))
  }

  private mutating func free(_ head: UInt16) {
    let length = lengths[Int(head)]
    var last = head
    for _ in 1..<length { last = followers[Int(last)] }
    followers[Int(last)] = firstFree
    firstFree = head
    freeCount += Int(length)
    lengths[Int(head)] = 0
    lentCount -= 1
  }

  /// Asks for no interrupts (2.7.7.1).
  package func disableInterrupts() {
    // With EVENT_IDX: an event half the range behind is not passed soon.
    guard !hasEventIndex else {
      available.storeRelaxed(reaped &- 0x8000, at: layout.usedEvent)
      return
    }
    available.storeRelaxed(SplitLayout.unwanted, at: SplitLayout.flags)
  }

  /// Asks for an interrupt when `after` more chains were used. True when some wait already.
  package func enableInterrupts(after count: UInt16 = 1) -> Bool {
    if hasEventIndex {
      available.storeRelaxed(reaped &+ count &- 1, at: layout.usedEvent)
    } else {
      available.storeRelaxed(UInt16(0), at: SplitLayout.flags)
    }
    fullFence()
    return used.relaxed16(at: SplitLayout.index) &- reaped >= count
  }
}

extension SplitDriverRing {
  private func write(_ segment: Segment, next: UInt16?, at index: UInt16) {
    Self.write(segment, next: next, to: descriptors, at: layout.descriptor(index))
  }

  package static func write(
    _ segment: Segment, next: UInt16?, to table: SharedWindow, at place: Int
  ) {
    let flags =
      (segment.isWritable ? SplitLayout.isWritable : 0)
      | (next == nil ? 0 : SplitLayout.continues)
    write(segment.address.rawValue, segment.count, flags, next ?? 0, to: table, at: place)
  }

  /// One descriptor: 64-bit address, 32-bit length, 16-bit flags, 16-bit next (2.7.5).
  package static func write(
    _ address: UInt64, _ count: UInt32, _ flags: UInt16, _ next: UInt16,
    to table: SharedWindow, at place: Int
  ) {
    table.storeRelaxed(address, at: place)
    table.storeRelaxed(
      UInt64(count) | UInt64(flags) << 32 | UInt64(next) << 48, at: place + 8)
  }
}
