internal import EngineLink
internal import LinuxSystem
internal import VhostUser
internal import Virtio

/// A queue as a vhost-user session has it.
extension LiveQueue {
  /// When to try again where the front end has no room for a call.
  private static var roomMilliseconds: UInt64 { 20 }

  /// Starts or stops the ring, as the session says, and follows its doorbells.
  func update() {
    // A front end knows nothing of the queues that only native clients see.
    guard let session = device.attachment?.session, session.queues.indices.contains(index)
    else { return }
    guard session.isRunning(index) else {
      if isRunning { stop() }
      if !session.queues[index].isStarted { halt(.stopped) }
      return
    }
    watchKick()
    guard !hasRing, record.state != .faulted else { return }
    start(session.queues[index], FeatureBits(rawValue: session.ackedFeatures ?? 0))
  }

  /// Gives the ring up for a moment: the guest's memory is about to be mapped anew. The log says
  /// where to go on.
  func suspend() { dropRing() }

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

  private func start(_ vring: Vring, _ features: FeatureBits) {
    guard let addresses = vring.addresses, let size = QueueSize(vring.size) else { return }
    let log = InflightLog(record.log, size: size)
    // Only a ring that ran a moment ago, here or in a predecessor, goes on from its log.
    if record.state != .running { log.clear() }
    memory = device.memory
    tellDriver = { [unowned self] in callInBand() }
    do throws(RingFault) {
      split = try SplitRing(
        size: size,
        at: SplitAddresses(
          descriptors: addresses.descriptors, available: addresses.available,
          used: addresses.used),
        memory: memory, start: UInt16(truncatingIfNeeded: vring.base),
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
    let base = windDown()
    device.attachment?.session.recordStop(of: index, at: UInt32(base))
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
