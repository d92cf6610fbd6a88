internal import EngineLink
internal import LinuxSystem
internal import SharedMemory
internal import Vbus
internal import VbusLink
internal import Virtio

/// A ring that a native client shares with a queue: checked when it came, and again when it starts,
/// for the client may have written over it.
struct SharedRing {
  enum Format: Hashable { case virtqueue, ioq(Flow) }

  let format: Format
  let address: GuestAddress
  let byteCount: Int
  /// What client and host call its signal.
  let signal: SignalHandle
  /// The client's bell, where the signal has its own; else SHMSIGNAL is as good.
  let kick: EventDescriptor?
  /// The bell that the client hears, where the signal has its own; else it is told by an event.
  let call: EventDescriptor?
}

/// A queue as a native client has it.
extension LiveQueue {
  /// Starts a ring where it stopped; `isResumed` when a predecessor served it just now.
  func start(
    _ ring: SharedRing, in memory: GuestMemory, _ features: FeatureBits, isResumed: Bool,
    tellDriver: @escaping () -> Void
  ) throws(RingFault) {
    self.memory = memory
    self.tellDriver = tellDriver
    switch ring.format {
    case .ioq(let flow):
      ioq = try IoqRing(
        at: ring.address, byteCount: ring.byteCount, flow: flow, memory: memory)
      record.size = UInt32(ioq?.capacity ?? 0)
    case .virtqueue: try startSplit(ring, features, isResumed: isResumed)
    }
    record.state = .running
    kick = ring.kick
    call = ring.call
    watchKick()
    // A bell may have been used up before anybody looked.
    wakeLater()
  }

  private func startSplit(
    _ ring: SharedRing, _ features: FeatureBits, isResumed: Bool
  ) throws(RingFault) {
    let window = try ring.window(of: memory)
    let size = try VirtqueueLayout.check(window)
    guard size.count <= DeviceRecord.queueSizeMax else {
      throw .wrongShape(count: UInt32(size.rawValue), byteCount: window.byteCount)
    }
    var signal = try WindowSignal(window, at: VirtqueueLayout.signal, as: .south)
    let log = InflightLog(record.log, size: size)
    if !isResumed { log.clear() }
    split = try SplitRing(
      inBlock: window, size: size, memory: memory, start: record.availableIndex,
      features: features, log: log)
    signal.listen()
    self.signal = signal
    owesSignal = isResumed
    record.size = UInt32(size.rawValue)
  }

  /// Gives everything that the driver offers back with nothing in it, and does not tell it.
  func flush() {
    var segments = Segments()
    if var ring = split.take() {
      drain(&ring, &segments)
      split = consume ring
    } else if var ring = ioq.take() {
      drain(&ring, &segments)
      ioq = consume ring
    }
  }

  /// A ring that breaks a rule shows that when it is served next.
  private func drain<R: Ring & ~Copyable>(_ ring: inout R, _ segments: inout Segments) {
    for _ in 0..<ring.capacity {
      guard let loan = try? ring.next(&segments) else { break }
      ring.settle(loan, written: 0)
    }
    ring.publish()
  }

  /// How long finishing what is posted may take, however fast a driver posts more.
  static let drainNanoseconds: UInt64 = 20_000_000

  /// Serves until nothing is left to do, for at most as many turns as the ring has entries.
  func serveAll(until end: UInt64) {
    for _ in 0..<max(1, Int(record.size)) where monotonicNanoseconds() < end {
      let before = record.usedIndex
      serve()
      guard hasRing, record.usedIndex != before else { return }
    }
  }
}

extension SharedRing {
  /// How many entries it has; nil when the client has written over what said so.
  func capacity(in memory: GuestMemory) -> Int? {
    switch format {
    case .ioq: (byteCount - IoqLayout.headerByteCount) / IoqLayout.descriptorByteCount
    case .virtqueue: (try? VirtqueueLayout.check(window(of: memory)))?.count
    }
  }

  /// The whole ring as shared bytes.
  func window(of memory: GuestMemory) throws(RingFault) -> SharedWindow {
    do throws(MemoryFault) {
      return try memory.window(
        guestAddress: address, byteCount: byteCount, alignment: VirtqueueLayout.alignment)
    } catch { throw .misplaced(.descriptors, error) }
  }
}
