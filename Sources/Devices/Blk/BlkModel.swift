package import Engine
internal import LinuxSystem
package import SharedMemory
package import Virtio

/// A disk's data half: serves VIRTIO 1.2 section 5.2 requests, one after the other.
///
/// A request that the guest may get wrong fails with a status; a chain that has no room for one,
/// or lies outside of the guest's memory, stops the queue.
package final class BlkModel: DeviceModel {
  package let features: UInt64
  package let queueCount: Int

  let capacitySectors: UInt64
  let isReadOnly: Bool
  let serial: [UInt8]
  let counters: BlkCounters
  /// What holds the data; nil for a disk of zeros that takes all writes.
  let file: Int32?
  private let descriptor: Descriptor?
  private let space: BlkConfiguration

  private(set) var acked: FeatureBits = []
  /// The write cache as the guest has set it (VIRTIO_BLK_F_CONFIG_WCE).
  private var isWriteback = true
  var segments = Segments(capacity: Int(BlkLimits.segments) + 2)
  var transfer = Transfer(capacity: Int(BlkLimits.segments))

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
    capacitySectors = capacity / 512
    isReadOnly = values["read_only"] == "1"
    serial = Array((values["serial"] ?? "").utf8.prefix(BlkLimits.serialByteCount))
    self.counters = counters
    descriptor = isNull ? nil : setup.descriptors.first
    file = descriptor?.number
    queueCount = queues
    space = BlkConfiguration(
      capacitySectors: capacitySectors, blockByteCount: block, queueCount: queues)
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

  package var configuration: [UInt8] { space.bytes(writeback: isWriteback) }

  /// Only `writeback`, only after CONFIG_WCE was negotiated, only 0 or 1 (5.2.5, 5.2.6.1).
  package func writeConfiguration(at offset: Int, _ bytes: [UInt8]) -> Bool {
    guard acked.contains(.blkConfigWriteCache), offset == BlkConfiguration.writeback,
      bytes == [0] || bytes == [1]
    else { return false }
    isWriteback = bytes == [1]
    return true
  }

  package func negotiated(_ features: UInt64) {
    acked = FeatureBits(rawValue: features)
    // 5.2.5.2: with CONFIG_WCE and without FLUSH, writeback starts as 0.
    isWriteback = acked.contains(.blkFlush) || !acked.contains(.blkConfigWriteCache)
  }

  package func reset() {
    acked = []
    isWriteback = true
  }

  /// Whether a write must be stable when it completes (5.2.6.2): the guest has set the cache to
  /// write-through, or can neither set nor flush it.
  var isWriteThrough: Bool {
    acked.contains(.blkConfigWriteCache) ? !isWriteback : !acked.contains(.blkFlush)
  }

  package func serve(
    queue index: Int, _ ring: inout SplitRing, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Bool {
    for _ in 0..<budget {
      guard let loan = try ring.next(&segments) else { return false }
      let written: UInt32
      do { written = try perform(memory) } catch {
        loan.forfeit()
        throw error
      }
      ring.settle(loan, written: written)
      // At once: a system call was made for it anyway, and less is done again after a crash.
      ring.publish()
    }
    return true
  }
}
