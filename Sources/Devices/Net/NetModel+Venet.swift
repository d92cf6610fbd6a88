package import Engine
package import LinuxSystem
internal import VbusLink

/// A card's own interface to native clients, "virtual-ethernet": what `VenetFunction` tells.
extension NetModel {
  package func purpose(ofShare id: UInt32) -> SharePurpose? {
    switch id {
    // Virtio's, of which the first two are this interface's as well.
    case 0..<UInt32(NetQueue.count): .queue(Int(id))
    case VenetShare.eventPool: .bytes
    case VenetShare.eventQueue: .queue(NetQueue.events)
    default: nil
    }
  }

  package func call(_ function: UInt32, _ data: inout [UInt8]) throws(Errno) -> UInt64 {
    guard let function = VenetFunction(rawValue: function) else { throw .notTerminal }
    guard data.count == function.byteCount else { throw .invalid }
    switch function {
    case .linkUp: try linkUp()
    case .linkDown: try linkDown()
    case .queryAddress: data = Array(configuration.prefix(VenetFunction.queryAddress.byteCount))
    case .negotiate: try negotiate(&data)
    case .flushReceiving:
      guard venet.isUp else { throw .invalid }
      host?.flush(queue: NetQueue.receive)
    case .queryEvents: try queryEvents(&data)
    case .queryDescriptorPool, .queryPages: throw .invalid
    }
    return 0
  }

  private func linkUp() throws(Errno) {
    guard !venet.isUp else { throw .exists }
    guard let host, host.hasRing(NetQueue.receive), host.hasRing(NetQueue.transmit),
      hasSoundEventQueue(host)
    else { throw .invalid }
    agree(offer.features(venet.scatterGather), venet.framing)
    backend.attach(acked)
    venet.isUp = true
    do throws(Errno) { try host.startRings() } catch {
      leave()
      throw error
    }
    // A driver takes the cable for in.
    if !isUp { tellLink() }
  }

  /// Who negotiated events has a queue for them, and in its pool a place for each of its entries.
  private func hasSoundEventQueue(_ host: any DeviceHost) -> Bool {
    guard !venet.events.isEmpty else { return true }
    guard let capacity = host.capacity(ofRing: NetQueue.events),
      let pool = host.sharedBytes(VenetShare.eventPool)
    else { return false }
    return Int(pool.byteCount) == capacity * VenetEvents.byteCountMax
  }

  private func linkDown() throws(Errno) {
    guard venet.isUp else { throw .noEntry }
    host?.drain(queue: NetQueue.transmit)
    host?.stopRings()
    leave()
  }

  /// Nothing passes any more; what was negotiated stays.
  private func leave() {
    venet.isUp = false
    events.removeAll()
    agree([])
    backend.detach()
  }

  private func negotiate(_ data: inout [UInt8]) throws(Errno) {
    guard !venet.isUp else { throw .invalid }
    var bits: UInt32 = 0
    if let group = VenetGroup(rawValue: word(data, at: 0)) {
      bits = offer.granted(word(data, at: 4), of: group)
      venet.grant(bits, of: group)
    }
    setWord(&data, at: 4, to: bits)
  }

  private func queryEvents(_ data: inout [UInt8]) throws(Errno) {
    guard !venet.isUp, !venet.events.isEmpty, word(data, at: VenetEvents.Query.flags) == 0
    else { throw .invalid }
    let size = UInt32(VenetEvents.byteCountMax)
    setWord(&data, at: VenetEvents.Query.eventByteCount, to: size)
    setWord(&data, at: VenetEvents.Query.pool, to: VenetShare.eventPool)
    setWord(&data, at: VenetEvents.Query.queue, to: VenetShare.eventQueue)
  }

  // MARK: Events

  /// Tells a client that wants to know where the cable is.
  func tellLink() {
    guard venet.isUp, venet.events.contains(.linkState) else { return }
    events.linkChanged(isUp: isUp)
    host?.wake(queue: NetQueue.events)
  }

  /// Tells a client that wants to know that frames are back.
  func tellTransmitted() {
    guard venet.events.contains(.transmitComplete), transmitter.takeFinished() else { return }
    events.transmitted(transmitter.newestCookie)
    host?.wake(queue: NetQueue.events)
  }

  // MARK: A successor

  package var interfaceLines: [String] { venet.lines }

  package func restoreInterface(_ lines: [String]) -> Bool {
    guard let state = VenetState(lines, of: offer) else { return false }
    venet = state
    guard state.isUp else { return true }
    agree(offer.features(state.scatterGather), state.framing)
    backend.resume(acked)
    // Events that waited died with the predecessor.
    tellLink()
    if state.events.contains(.transmitComplete) {
      events.transmitted(0)
      host?.wake(queue: NetQueue.events)
    }
    return true
  }
}

/// A little-endian number of 32 bits. Precondition: it is within the bytes.
private func word(_ bytes: [UInt8], at index: Int) -> UInt32 {
  UInt32(truncatingIfNeeded: littleEndian(bytes[index..<index + 4]))
}

private func setWord(_ bytes: inout [UInt8], at index: Int, to value: UInt32) {
  bytes.replaceSubrange(index..<index + 4, with: littleEndian(value, byteCount: 4))
}
