package import SharedMemory
package import Virtio

package typealias Completion = SplitCompletion

/// The driver's half of a split virtqueue in memory of a guest of ours. `raw` lets a test write
/// what no driver would.
package final class SplitDriver {
  package let memory: DriverMemory
  package let addresses: SplitAddresses
  private var ring: SplitDriverRing

  package var size: QueueSize { ring.size }
  package var layout: SplitLayout { ring.layout }
  package var descriptors: SharedWindow { ring.descriptors }
  package var available: SharedWindow { ring.available }
  package var used: SharedWindow { ring.used }
  /// Chains that the device has.
  package var lentCount: Int { ring.lentCount }

  package init(_ size: QueueSize, in memory: DriverMemory, features: FeatureBits) {
    self.memory = memory
    let layout = SplitLayout(size)
    let table = memory.allocate(layout.descriptorsByteCount, alignment: 16)
    let offers = memory.allocate(layout.availableByteCount, alignment: 2)
    let returns = memory.allocate(layout.usedByteCount, alignment: 4)
    addresses = SplitAddresses(
      descriptors: memory.userAddress(of: table), available: memory.userAddress(of: offers),
      used: memory.userAddress(of: returns))
    ring = SplitDriverRing(
      size, descriptors: memory.bytes.window(at: table, byteCount: layout.descriptorsByteCount),
      available: memory.bytes.window(at: offers, byteCount: layout.availableByteCount),
      used: memory.bytes.window(at: returns, byteCount: layout.usedByteCount), features: features)
  }

  /// Lends a chain: its buffers go into the descriptor table, its head into the available ring.
  /// The device sees it after `publish`. Nil when the table has no room.
  package func offer(_ segments: [Segment]) -> UInt16? { ring.offer(segments) }

  /// Lends a chain through an indirect table (2.7.5.3): one descriptor, whatever its length.
  package func offerTable(_ segments: [Segment]) -> UInt16? {
    guard !segments.isEmpty, ring.freeCount > 0 else { return nil }
    let start = memory.allocate(16 * segments.count)
    let table = memory.bytes.window(at: start, byteCount: 16 * segments.count)
    for (place, segment) in segments.enumerated() {
      let follower = place + 1 < segments.count ? UInt16(place + 1) : nil
      SplitDriverRing.write(segment, next: follower, to: table, at: 16 * place)
    }
    return ring.offerTable(
      at: memory.guestAddress(of: start), byteCount: UInt32(16 * segments.count))
  }

  /// Shows the device all chains lent since; true when it wants a kick.
  @discardableResult
  package func publish() -> Bool { ring.publish() }

  /// Takes back the oldest chain that the device used; nil when there is none.
  package func reap() throws(DeviceFault) -> Completion? { try ring.reap() }

  /// Takes back all that the device used so far.
  package func reapAll() throws(DeviceFault) -> [Completion] {
    var completions: [Completion] = []
    while let completion = try reap() { completions.append(completion) }
    return completions
  }

  /// Asks for no interrupts.
  package func disableInterrupts() { ring.disableInterrupts() }

  /// Asks for an interrupt when `after` more chains were used. True when some wait already.
  package func enableInterrupts(after count: UInt16 = 1) -> Bool {
    ring.enableInterrupts(after: count)
  }
}
