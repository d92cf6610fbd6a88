package import SharedMemory
package import Virtio

/// The driver's half of a split virtqueue (VIRTIO 1.2 sections 2.7.13 and 2.7.14), strict about
/// what the device does. `raw` lets a test write what no driver would.
package final class SplitDriver {
  package let size: QueueSize
  package let memory: DriverMemory
  package let addresses: SplitAddresses
  package let layout: SplitLayout
  package let descriptors: SharedWindow
  package let available: SharedWindow
  package let used: SharedWindow

  private let hasEventIndex: Bool
  private var free: [UInt16]
  /// The descriptors of each lent chain, by head; empty when it is not lent.
  private var lent: [[UInt16]]
  private var next: UInt16 = 0
  private var shown: UInt16 = 0
  private var reaped: UInt16 = 0
  /// Chains that the device has.
  package private(set) var lentCount = 0

  package init(_ size: QueueSize, in memory: DriverMemory, features: FeatureBits) {
    self.size = size
    self.memory = memory
    layout = SplitLayout(size)
    hasEventIndex = features.contains(.eventIndex)
    let table = memory.allocate(layout.descriptorsByteCount, alignment: 16)
    let offers = memory.allocate(layout.availableByteCount, alignment: 2)
    let returns = memory.allocate(layout.usedByteCount, alignment: 4)
    addresses = SplitAddresses(
      descriptors: memory.userAddress(of: table), available: memory.userAddress(of: offers),
      used: memory.userAddress(of: returns))
    descriptors = memory.bytes.window(at: table, byteCount: layout.descriptorsByteCount)
    available = memory.bytes.window(at: offers, byteCount: layout.availableByteCount)
    used = memory.bytes.window(at: returns, byteCount: layout.usedByteCount)
    free = (0..<size.rawValue).reversed()
    lent = Array(repeating: [], count: size.count)
  }

  /// Lends a chain: its buffers go into the descriptor table, its head into the available ring.
  /// The device sees it after `publish`. Nil when the table has no room.
  package func offer(_ segments: [Segment]) -> UInt16? {
    guard !segments.isEmpty, segments.count <= free.count else { return nil }
    let chain = segments.indices.map { _ in free.removeLast() }
    for (place, segment) in segments.enumerated() {
      let follower = place + 1 < chain.count ? chain[place + 1] : nil
      setDescriptor(chain[place], to: segment, next: follower)
    }
    return lend(chain)
  }

  /// Lends a chain through an indirect table (2.7.5.3): one descriptor, whatever its length.
  package func offerTable(_ segments: [Segment]) -> UInt16? {
    guard !segments.isEmpty, !free.isEmpty else { return nil }
    let chain = [free.removeLast()]
    let start = memory.allocate(16 * segments.count)
    let table = memory.bytes.window(at: start, byteCount: 16 * segments.count)
    for (place, segment) in segments.enumerated() {
      let follower = place + 1 < segments.count ? UInt16(place + 1) : nil
      Self.write(segment, next: follower, to: table, at: 16 * place)
    }
    set(
      chain[0], address: memory.guestAddress(of: start).rawValue,
      count: UInt32(16 * segments.count), flags: SplitLayout.isTable, next: 0)
    return lend(chain)
  }

  private func lend(_ chain: [UInt16]) -> UInt16 {
    lent[Int(chain[0])] = chain
    lentCount += 1
    available.storeRelaxed(chain[0], at: layout.availableSlot(next))
    next &+= 1
    return chain[0]
  }

  /// Shows the device all chains lent since; true when it wants a kick (2.7.10, 2.7.13.4).
  @discardableResult
  package func publish() -> Bool {
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
  package func reap() throws(DeviceFault) -> Completion? {
    let waiting = used.acquire16(at: SplitLayout.index) &- reaped
    guard waiting != 0 else { return nil }
    guard waiting <= lentCount else { throw .usedTooMany(waiting) }
    let slot = layout.usedSlot(reaped)
    let id = used.relaxed32(at: slot)
    guard let head = UInt16(exactly: id), head < size.rawValue, !lent[Int(head)].isEmpty else {
      throw .notLent(id)
    }
    free.append(contentsOf: lent[Int(head)].reversed())
    lent[Int(head)] = []
    lentCount -= 1
    reaped &+= 1
    return Completion(head: head, written: used.relaxed32(at: slot + 4))
  }

  /// Takes back all that the device used so far.
  package func reapAll() throws(DeviceFault) -> [Completion] {
    var completions: [Completion] = []
    while let completion = try reap() { completions.append(completion) }
    return completions
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
