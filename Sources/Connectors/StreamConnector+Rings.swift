internal import StreamLink
internal import VbusClient
internal import VbusLink
internal import Virtio

/// Chains, on their way to the host and back.
extension StreamConnector {
  /// Takes what drivers have posted, while the stream has room.
  func carry() {
    for number in shares.keys.sorted() {
      guard let share = shares[number], let ring = share.ring, ring.isRunning else { continue }
      while line.isClear, let posted = ring.next() { send(posted, of: number, share) }
      if ring.isBroken { needsReset(share.handle) }
    }
  }

  private func send(_ posted: StreamRing.Posted, of number: UInt32, _ share: StreamMemory) {
    var chain = posted.chain
    chain.share = number
    chain.pool = posted.buffer.flatMap { pool($0, of: share.handle) }
    line.send(.chain(chain))
    var rest = posted.readable[...]
    while !rest.isEmpty {
      let piece = rest.prefix(StreamLimits.pieceByteCount)
      line.send(.data(share: number, chain: chain.number, Array(piece)))
      rest = rest.dropFirst(piece.count)
    }
  }

  /// A buffer that lies in other memory which the device knows is looked for there.
  private func pool(_ buffer: Segment, of handle: DeviceHandle) -> StreamChain.Pool? {
    for number in devices[handle]?.shares ?? [] {
      if let offset = shares[number]?.offset(of: buffer.address.rawValue, buffer.count) {
        return StreamChain.Pool(share: number, offset: offset)
      }
    }
    return nil
  }

  /// Shows drivers what came back.
  func raise() {
    for number in shares.keys.sorted() {
      guard let share = shares[number] else { continue }
      if share.ring?.publish() == true { raise(share) }
    }
  }

  /// A ring broke here: its driver hears of it as it would of the device's own finding (VIRTIO 1.2
  /// section 2.1.2).
  private func needsReset(_ handle: DeviceHandle) {
    for number in devices[handle]?.shares ?? [] {
      guard let share = shares[number], share.wish.id == VirtioFunction.configurationShare,
        share.signal?.inject() == true
      else { continue }
      raise(share)
    }
  }

  /// A device's rings are looked at from now on.
  func begin(_ handle: DeviceHandle) {
    guard let device = devices[handle] else { return }
    for number in device.shares {
      shares[number]?.ring?.begin(FeatureBits(rawValue: device.features))
    }
  }

  func hasBrokenRing(_ handle: DeviceHandle) -> Bool {
    devices[handle]?.shares.contains { shares[$0]?.ring?.isBroken == true } == true
  }
}
