package import Engine
package import LinuxSystem
package import SharedMemory
package import Virtio

/// A disk's data half: serves VIRTIO 1.2 section 5.2 requests, one after the other.
///
/// A request that the guest may get wrong fails with a status; a chain that has no room for one,
/// or lies outside of the guest's memory, stops the queue.
package final class BlkModel: DeviceModel {
  package let features: UInt64
  package let queueCount: Int

  private let descriptor: Descriptor?
  private var space: BlkConfiguration
  /// A value, so that a turn is one access to this class and not one per field and request.
  private var disk: BlkDisk

  package init(_ setup: DeviceSetup) throws(ModelRefusal) {
    let values = setup.values
    guard let capacity = UInt64(values["capacity"] ?? ""), capacity > 0, capacity % 512 == 0,
      capacity <= UInt64(Int64.max)
    else { throw ModelRefusal(.invalid, "the disk's capacity is not known") }
    guard let block = UInt32(values["block_size"] ?? "512"), (512...4096).contains(block),
      block & (block - 1) == 0
    else { throw ModelRefusal(.invalid, "the disk's block_size makes no sense") }
    guard let queues = Int(values["num_queues"] ?? "1"), (1...64).contains(queues) else {
      throw ModelRefusal(.invalid, "the disk's num_queues makes no sense")
    }
    guard let counters = BlkCounters(setup.counters) else {
      throw ModelRefusal(.invalid, "the disk came without its counters")
    }
    let isNull = values["backend"] == "null"
    guard isNull || setup.descriptors.count == 1 else {
      throw ModelRefusal(.invalid, "the disk came without its file")
    }
    let isReadOnly = values["read_only"] == "1"
    descriptor = isNull ? nil : setup.descriptors.first
    disk = BlkDisk(
      capacitySectors: capacity / 512, isReadOnly: isReadOnly,
      serial: Array((values["serial"] ?? "").utf8.prefix(BlkLimits.serialByteCount)),
      file: descriptor?.number, counters: counters)
    queueCount = queues
    space = BlkConfiguration(
      capacitySectors: capacity / 512, blockByteCount: block, queueCount: queues)
    features = Self.offered(isReadOnly: isReadOnly, queueCount: queues).rawValue
  }

  private static func offered(isReadOnly: Bool, queueCount: Int) -> FeatureBits {
    var offered: FeatureBits = .splitRing
    offered.formUnion([
      .blkSizeMax, .blkSegMax, .blkBlockSize, .blkFlush, .blkTopology, .blkConfigWriteCache,
    ])
    offered.formUnion(isReadOnly ? [.blkReadOnly] : [.blkDiscard, .blkWriteZeroes])
    if queueCount > 1 { offered.insert(.blkMultiQueue) }
    return offered
  }

  package var configuration: [UInt8] { space.bytes(writeback: disk.isWriteback) }

  /// Only `writeback`, only after CONFIG_WCE was negotiated, only 0 or 1 (5.2.5, 5.2.6.1).
  package func writeConfiguration(at offset: Int, _ bytes: [UInt8]) -> Bool {
    guard disk.acked.contains(.blkConfigWriteCache), offset == BlkConfiguration.writeback,
      bytes == [0] || bytes == [1]
    else { return false }
    disk.isWriteback = bytes == [1]
    return true
  }

  package func negotiated(_ features: UInt64) { disk.negotiated(FeatureBits(rawValue: features)) }

  package func reset() { disk.reset() }

  /// Only `capacity` is live, and it grows: what a guest has on the rest of a disk is not taken
  /// from it.
  package func update(
    _ values: [String: String], _ descriptors: [Descriptor]
  ) throws(ModelRefusal) {
    guard let capacity = UInt64(values["capacity"] ?? ""), capacity % 512 == 0,
      capacity <= UInt64(Int64.max)
    else { throw ModelRefusal(.invalid, "the disk's capacity is not known") }
    guard capacity / 512 >= space.capacitySectors else {
      throw ModelRefusal(
        .busy, "a live disk can only grow; it has \(space.capacitySectors) sectors")
    }
    space.capacitySectors = capacity / 512
    disk.grow(to: capacity / 512)
  }

  package func serve(
    queue index: Int, _ ring: inout SplitRing, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress { try disk.serve(&ring, memory, budget: budget) }
}
