internal import Engine
internal import SharedMemory
internal import Virtio

/// What serving requests needs of a disk, and its scratch lists. A value without references that
/// are counted per request.
struct BlkDisk: ~Copyable {
  private(set) var capacitySectors: UInt64
  let isReadOnly: Bool
  let serial: [UInt8]
  /// What holds the data; nil for a disk of zeros that takes all writes.
  let file: Int32?
  let counters: BlkCounters

  private(set) var acked: FeatureBits = []
  /// The write cache as the guest has set it (VIRTIO_BLK_F_CONFIG_WCE).
  var isWriteback = true
  var segments = Segments(capacity: Int(BlkLimits.segments) + 2)
  var transfer = Transfer(capacity: Int(BlkLimits.segments))

  init(
    capacitySectors: UInt64, isReadOnly: Bool, serial: [UInt8], file: Int32?,
    counters: BlkCounters
  ) {
    self.capacitySectors = capacitySectors
    self.isReadOnly = isReadOnly
    self.serial = serial
    self.file = file
    self.counters = counters
  }

  mutating func negotiated(_ features: FeatureBits) {
    acked = features
    // 5.2.5.2: with CONFIG_WCE and without FLUSH, writeback starts as 0.
    isWriteback = acked.contains(.blkFlush) || !acked.contains(.blkConfigWriteCache)
  }

  mutating func grow(to sectors: UInt64) { capacitySectors = sectors }

  mutating func reset() {
    acked = []
    isWriteback = true
  }

  /// Whether a write must be stable when it completes (5.2.6.2): the guest has set the cache to
  /// write-through, or can neither set nor flush it.
  var isWriteThrough: Bool {
    acked.contains(.blkConfigWriteCache) ? !isWriteback : !acked.contains(.blkFlush)
  }

  mutating func serve<R: Ring & ~Copyable>(
    _ ring: inout R, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress {
    var moved: UInt64 = 0
    for _ in 0..<budget where moved < BlkLimits.turnByteCount {
      guard let loan = try ring.next(&segments) else { return .drained }
      let written: UInt32
      do { written = try perform(memory) } catch {
        loan.forfeit()
        throw error
      }
      ring.settle(loan, written: written)
      // At once: a system call was made for it anyway, and less is done again after a crash.
      ring.publish()
      moved += segments.readableBytes + segments.writableBytes
    }
    return .more
  }
}
