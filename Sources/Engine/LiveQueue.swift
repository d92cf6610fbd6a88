internal import EngineLink
internal import LinuxSystem
internal import SharedMemory
internal import Vbus
internal import VhostUser
internal import Virtio

/// One queue of a live device: its ring while it runs, and its doorbells.
///
/// - `LiveQueue+FrontEnd` starts and stops it as a vhost-user session says;
/// - `LiveQueue+Client` as a native client does.
final class LiveQueue {
  let index: Int
  unowned let device: LiveDevice
  let record: QueueRecord
  /// The ring is one of the two while it runs.
  var split: SplitRing?
  var ioq: IoqRing?
  /// The signal beside a split ring of a native client.
  var signal: WindowSignal?
  /// A predecessor may have died between marking the signal and ringing.
  var owesSignal = false
  /// Where the ring and its buffers lie.
  var memory: GuestMemory
  private var token: EventLoop.Token?
  /// Its next turn, when it has asked for one.
  private var turn: EventLoop.Token?
  var isWaitingForRoom = false

  /// The driver's bell; a new one takes the place of the old.
  var kick: EventDescriptor? { didSet { unwatchKick() } }
  var call: EventDescriptor? { didSet { callNumber = call?.descriptor.number ?? -1 } }
  private var callNumber: Int32 = -1
  var error: EventDescriptor?
  /// Tells the driver where it has no bell of its own.
  var tellDriver: () -> Void = {}

  /// Chains served before the driver may be interrupted for them, so that the first of many does
  /// not wait for the last.
  private static let batch = 32
  /// Batches served before other queues get their turn, and how long they may take: requests
  /// differ a thousandfold.
  private static let batchesPerTurn = 32
  private static let turnNanoseconds: UInt64 = 5_000_000

  init(_ index: Int, of device: LiveDevice) {
    self.index = index
    self.device = device
    memory = device.memory
    record = device.record.queue(index)
  }

  var isRunning: Bool { record.state == .running }
  var isFaulted: Bool { record.state == .faulted }
  var hasRing: Bool { split != nil || ioq != nil }

  /// Stops for a reason of the guest's making, or because it was reset.
  func halt(_ state: QueueRecord.State) {
    dropRing()
    record.state = state
    unwatchKick()
    if let turn { device.loop.remove(turn) }
    turn = nil
  }

  func dropRing() {
    split = nil
    ioq = nil
  }

  /// Stops and forgets the doorbells: whoever had the device is gone.
  func forget() {
    halt(.stopped)
    kick = nil
    call = nil
    error = nil
    signal = nil
  }

  /// Finishes what was taken and stops; answers where a driver would go on.
  func windDown() -> UInt16 {
    // What a predecessor took is finished first: no more chains than the queue has entries, and
    // each turn serves one at least.
    for _ in 0..<DeviceRecord.queueSizeMax where (split?.backlogCount ?? 0) > 0 { serve() }
    // Buffers that nothing came for.
    split?.returnBacklog()
    let base = split?.taken ?? record.availableIndex
    halt(.stopped)
    record.availableIndex = base
    return base
  }

  // MARK: Service

  func watchKick() {
    guard token == nil, let kick else { return }
    // Edge-triggered, so that a kick costs no read. Held until `unwatchKick`: to look whether the
    // queue is still there would cost more than the rest.
    token = try? device.loop.watch(kick.descriptor, for: [.readable, .edge]) { [self] _ in
      countKick()
      serve()
    }
  }

  private func unwatchKick() {
    if let token { device.loop.remove(token) }
    token = nil
  }

  /// Serves in the loop's next turn. Takes no memory, for it happens whenever the driver is quick.
  func wakeLater() {
    guard turn == nil else { return }
    // Held until then, or until `halt`, as the kick is.
    turn = device.loop.after(milliseconds: 0) { [self] in
      turn = nil
      serve()
    }
  }

  func countKick() { record.kicks &+= 1 }

  /// Serves what the driver offers, for one turn at most, and tells it.
  func serve() {
    var isMore = false
    var fault: RingFault?
    let (model, memory) = (device.model, memory)
    if var ring = split.take() {
      do throws(RingFault) {
        isMore = try serveTurn(&ring) { ring throws(RingFault) in
          try model.serve(queue: index, &ring, memory, budget: Self.batch)
        }
      } catch { fault = error }
      split = consume ring
    } else if var ring = ioq.take() {
      do throws(RingFault) {
        isMore = try serveTurn(&ring) { ring throws(RingFault) in
          try model.serve(queue: index, &ring, memory, budget: Self.batch)
        }
      } catch { fault = error }
      ioq = consume ring
    }
    if let fault { return device.fail(self, fault.sentence) }
    if isMore { wakeLater() }
  }

  /// True when more may wait. Everything is looked up once for the turn: requests and batches
  /// count no references.
  private func serveTurn<R: Ring & ~Copyable>(
    _ ring: inout R, _ serveBatch: (inout R) throws(RingFault) -> Progress
  ) throws(RingFault) -> Bool {
    var end: UInt64?
    for _ in 0..<Self.batchesPerTurn {
      ring.disableKicks()
      var fault: RingFault?
      var progress = Progress.more
      do throws(RingFault) { progress = try serveBatch(&ring) } catch { fault = error }
      ring.publish()
      if ring.shouldInterrupt() { interrupt() }
      // What arrived before the driver could see that its kicks are wanted came without one.
      if progress == .drained {
        signal?.listen()
        if ring.enableKicks() { progress = .more }
      }
      record.availableIndex = ring.taken
      record.usedIndex = ring.published
      if let fault { throw fault }
      // What was read since the memory shrank was nobody's word, an empty ring too.
      guard !memory.isTorn else { throw .memoryTorn }
      guard progress == .more else { return progress == .yielding }
      // Most turns are over by now, and look at no clock.
      let now = monotonicNanoseconds()
      guard now < end ?? .max else { return true }
      end = end ?? now + Self.turnNanoseconds
    }
    return true
  }

  private func interrupt() {
    if owesSignal {
      owesSignal = false
      signal?.insist()
    } else if signal?.inject() == false {
      return
    }
    record.interrupts &+= 1
    guard callNumber < 0 else { return ringDoorbell(callNumber) }
    tellDriver()
  }
}
