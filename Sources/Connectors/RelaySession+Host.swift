internal import StreamLink
internal import VbusClient
internal import VbusLink

/// What the bus says, on its way to the client.
extension RelaySession {
  /// Tells whatever there is to tell, as far as the stream has room.
  func serveHost() throws(RelayEnd) {
    do throws(BusError) {
      try postAll()
      try tellEvents()
      for share in shares.values {
        try share.queue?.reap(to: line, all: false)
      }
    } catch { throw .host(error) }
    for number in shares.keys { tellSignal(number) }
  }

  func postAll() throws(BusError) {
    for share in shares.values { try share.queue?.post() }
  }

  /// All that devices were done with: the next answer must not come before it.
  func reapAll() throws(RelayEnd) {
    guard line.waitingByteCount <= Self.waitingByteCountMax else { throw .tooMuch }
    do throws(BusError) {
      for share in shares.values { try share.queue?.reap(to: line, all: true) }
    } catch { throw .host(error) }
  }

  /// What may wait for a client that reads nothing.
  private static let waitingByteCountMax = 4 * StreamLimits.chainByteCountMax

  private func tellEvents() throws(BusError) {
    while line.isClear, let event = try client.nextEvent(milliseconds: 0) {
      switch event {
      case .deviceAdded, .deviceDropped: line.send(.event(event))
      // Rings are looked at anyway, and a client closes its signals itself.
      case .signal, .shareClosed: break
      }
    }
  }

  /// Memory that is no ring: its signal passes on.
  private func tellSignal(_ number: UInt32) {
    guard let share = shares[number], let signal = share.signal, line.isClear else { return }
    _ = share.share.clear()
    var isRaised = false
    // A host that never stops must not keep anybody here.
    for _ in 0..<4 where signal.begin() {
      isRaised = true
      guard signal.finish() else { break }
    }
    if isRaised { line.send(.raised(share: number)) }
  }

  /// Of how many devices the client has not been told.
  func untold(_ tag: UInt32) throws(RelayEnd) {
    do throws(BusError) {
      let count = try client.connector.untoldCount()
      try tellEvents()
      let value = UInt64(count) + (line.isClear ? 0 : 1)
      line.send(.reply(tag: tag, errno: nil, value: value, data: []))
    } catch { throw .host(error) }
  }
}
