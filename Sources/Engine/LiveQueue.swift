internal import EngineLink
internal import LinuxSystem
internal import SharedMemory
internal import VhostUser
internal import Virtio

/// One queue of a live device: its ring while it runs, and its doorbells.
final class LiveQueue {
  let index: Int
  private unowned let device: LiveDevice
  private let record: QueueRecord
  private var ring: SplitRing?
  private var token: EventLoop.Token?
  private var isWaitingForTurn = false
  private var isWaitingForRoom = false

  /// The driver's bell; a new one takes the place of the old.
  var kick: EventDescriptor? { didSet { unwatchKick() } }
  var call: EventDescriptor? { didSet { callNumber = call?.descriptor.number ?? -1 } }
  private var callNumber: Int32 = -1
  var error: EventDescriptor?

  /// Chains served before the driver may be interrupted for them, so that the first of many does
  /// not wait for the last.
  private static let batch = 32
  /// Batches served before other queues get their turn, and how long they may take: requests
  /// differ a thousandfold.
  private static let batchesPerTurn = 32
  private static let turnNanoseconds: UInt64 = 5_000_000
  /// When to try again where the front end has no room for a call.
  private static let roomMilliseconds: UInt64 = 20

  init(_ index: Int, of device: LiveDevice) {
    self.index = index
    self.device = device
    record = device.record.queue(index)
  }

  var isRunning: Bool { record.state == .running }
  var isFaulted: Bool { record.state == .faulted }

  /// Starts or stops the ring, as the session says, and follows its doorbells.
  func update() {
    // A front end knows nothing of the queues that only native clients see.
    guard let session = device.attachment?.session, session.queues.indices.contains(index)
    else { return }
    guard session.isRunning(index) else {
      if record.state == .running { stop() }
      if !session.queues[index].isStarted { halt(.stopped) }
      return
    }
    watchKick()
    guard ring == nil, record.state != .faulted else { return }
    start(session.queues[index], FeatureBits(rawValue: session.ackedFeatures ?? 0))
  }

  /// Gives the ring up for a moment: the guest's memory is about to be mapped anew. The log says
  /// where to go on.
  func suspend() { ring = nil }

  /// Stops for a reason of the guest's making, or because it was reset.
  func halt(_ state: QueueRecord.State) {
    ring = nil
    record.state = state
    unwatchKick()
  }

  /// Takes over from a predecessor what the session says of the queue. The session's word counts,
  /// for it was written last; the log of a queue that runs says how far it came.
  func adopt(_ session: Session) {
    guard record.state != .faulted else { return }
    record.state = session.isRunning(index) ? .running : .stopped
  }

  /// Tells the session where a queue broke, before it is stopped for good.
  func recordFault() {
    guard isFaulted else { return }
    device.attachment?.session.recordStop(of: index, at: UInt32(record.availableIndex))
  }

  /// Stops and forgets the doorbells: the front end is gone.
  func forget() {
    halt(.stopped)
    kick = nil
    call = nil
    error = nil
  }

  private func start(_ vring: Vring, _ features: FeatureBits) {
    guard let addresses = vring.addresses, let size = QueueSize(vring.size) else { return }
    let log = InflightLog(record.log, size: size)
    // Only a ring that ran a moment ago, here or in a predecessor, goes on from its log.
    if record.state != .running { log.clear() }
    do throws(RingFault) {
      ring = try SplitRing(
        size: size,
        at: SplitAddresses(
          descriptors: addresses.descriptors, available: addresses.available,
          used: addresses.used),
        memory: device.memory, start: UInt16(truncatingIfNeeded: vring.base),
        features: features, log: log)
    } catch {
      return device.fail(self, error.sentence)
    }
    record.size = UInt32(vring.size)
    record.state = .running
    // A kick may have been used up before anybody looked.
    wakeLater()
  }

  /// Stops where it is, and tells the session where that was.
  private func stop() {
    // What a predecessor took is finished first: no more chains than the queue has entries, and
    // each turn serves one at least.
    for _ in 0..<DeviceRecord.queueSizeMax where (ring?.backlogCount ?? 0) > 0 { serve() }
    // Buffers that nothing came for.
    ring?.returnBacklog()
    let base = ring?.taken ?? record.availableIndex
    device.attachment?.session.recordStop(of: index, at: UInt32(base))
    halt(.stopped)
  }

  // MARK: Service

  private func watchKick() {
    guard token == nil, let kick else { return }
    // Edge-triggered, so that a kick costs no read.
    token = try? device.loop.watch(kick.descriptor, for: [.readable, .edge]) {
      [unowned self] _ in
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
    guard !isWaitingForTurn else { return }
    isWaitingForTurn = true
    _ = device.loop.after(milliseconds: 0, handler: takeTurn)
  }

  private lazy var takeTurn: () -> Void = { [weak self] in
    self?.isWaitingForTurn = false
    self?.serve()
  }

  func countKick() { record.kicks &+= 1 }

  /// Serves what the driver offers, for one turn at most, and tells it.
  func serve() {
    guard var ring = ring.take() else { return }
    var isMore = false
    var fault: RingFault?
    do throws(RingFault) { isMore = try serveTurn(&ring) } catch { fault = error }
    self.ring = consume ring
    if let fault { return device.fail(self, fault.sentence) }
    if isMore { wakeLater() }
  }

  /// True when more may wait. Everything is looked up once for the turn: requests and batches
  /// count no references.
  private func serveTurn(_ ring: inout SplitRing) throws(RingFault) -> Bool {
    let model = device.model
    let memory = device.memory
    let end = monotonicNanoseconds() + Self.turnNanoseconds
    for _ in 0..<Self.batchesPerTurn {
      ring.disableKicks()
      var fault: RingFault?
      var progress = Progress.more
      do throws(RingFault) {
        progress = try model.serve(queue: index, &ring, memory, budget: Self.batch)
      } catch { fault = error }
      ring.publish()
      if ring.shouldInterrupt() { interrupt() }
      // What arrived before the driver could see that its kicks are wanted came without one.
      if progress == .drained, ring.enableKicks() { progress = .more }
      record.availableIndex = ring.taken
      record.usedIndex = ring.published
      if let fault { throw fault }
      // What was read since the memory shrank was nobody's word, an empty ring too.
      guard !memory.isTorn else { throw .memoryTorn }
      guard progress == .more else { return progress == .yielding }
      guard monotonicNanoseconds() < end else { return true }
    }
    return true
  }

  private func interrupt() {
    record.interrupts &+= 1
    guard callNumber < 0 else { return ringDoorbell(callNumber) }
    callInBand()
  }

  /// The driver waits for this: when the front end has not read for long, again until it does.
  private func callInBand() {
    guard device.attachment?.session.callsInBand(index) == true, !isWaitingForRoom else { return }
    guard !device.tellFrontEnd(.call(queue: index, needsReply: false)) else { return }
    isWaitingForRoom = true
    _ = device.loop.after(milliseconds: Self.roomMilliseconds) { [weak self] in
      self?.isWaitingForRoom = false
      self?.callInBand()
    }
  }
}
