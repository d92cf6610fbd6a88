internal import LinuxSystem
internal import RingDriver
package import VbusClient
package import VbusLink
internal import VhostUser

extension VhostUserConnector {
  package func nextEvent(milliseconds: Int32) throws(BusError) -> Event? {
    let deadline = Deadline(orNever: milliseconds)
    while true {
      if !isEnded { try hear() }
      if let event = inbox.next() {
        if inbox.isEmpty { waiting.clear() }
        return event
      }
      guard !isEnded else { throw .disconnected }
      if deadline.hasPassed { return nil }
      // Nothing tells that a device is there again.
      let rest = deadline.rest
      let look = Int32(Self.lookMilliseconds)
      _ = wait(
        on: watched.descriptor,
        milliseconds: isPresent ? rest : rest < 0 ? look : min(look, rest))
    }
  }

  package func untoldCount() throws(BusError) -> Int {
    guard !isEnded else { throw .disconnected }
    try hear()
    return 0
  }

  private func hear() throws(BusError) {
    try lookAgain()
    guard let device = opened, let frontEnd = device.frontEnd else { return }
    for share in device.shares {
      guard let queue = share.queue else { continue }
      if queue.call.clear(), try wantsToKnow(share) {
        try keep(.signal(cookie: share.wish.cookie))
      }
      if queue.error.clear() { try needsReset() }
    }
    try hearChannel(device)
    if hasEnded(frontEnd.socket) { lost() }
  }

  /// Of what the device is done with.
  private func wantsToKnow(_ share: VhostUserShare) throws(BusError) -> Bool {
    guard let ioq = share.queue?.ioq else { return share.signal?.inject() == true }
    do throws(DeviceFault) { return try ioq.giveBack() } catch {
      ioq.end()
      try needsReset()
      return false
    }
  }

  /// A queue is broken (VIRTIO 1.2 section 2.1.2).
  func needsReset() throws(BusError) {
    opened?.status.insert(.needsReset)
    try configurationChanged()
  }

  private func configurationChanged() throws(BusError) {
    let share = opened?.shares.first { $0.wish.id == VirtioFunction.configurationShare }
    guard let share, share.signal?.inject() == true else { return }
    try keep(.signal(cookie: share.wish.cookie))
  }

  /// What the device says of its own accord; never more at a time than a turn takes.
  private func hearChannel(_ device: VhostUserDevice) throws(BusError) {
    guard let channel = device.channel else { return }
    for _ in 0..<Self.messagesPerTurn {
      guard case .message(let message, _) = try? peekMessage(on: channel),
        (try? consume(message, from: channel)) != nil
      else { return }
      if message.backendRequest == .configurationChanged { try configurationChanged() }
      guard message.flags.contains(.needsReply) else { continue }
      let answer = message.backendRequest == .configurationChanged ? 0 : 1
      try? send(message.reply(payloadBytes { $0.put(UInt64(answer)) }), on: channel)
    }
  }

  private static let messagesPerTurn = 16
}
