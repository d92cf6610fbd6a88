internal import LinuxSystem
public import VbusLink

extension SocketConnector {
  /// Limits what is taken in one turn, so that a host that never stops keeps nobody here.
  private static let packetsPerTurn = 256

  public func nextEvent(milliseconds: Int32) throws(BusError) -> Event? {
    let deadline = Deadline(orNever: milliseconds)
    while true {
      if !isEnded { try drain() }
      if let event = inbox.next() {
        if inbox.isEmpty { waiting.clear() }
        return event
      }
      guard !isEnded else { throw .disconnected }
      if deadline.hasPassed { return nil }
      _ = wait(on: watched.descriptor, milliseconds: deadline.rest)
    }
  }

  /// Takes what has come. What was kept before the end is still told.
  private func drain() throws(BusError) {
    do throws(BusError) {
      try drainRings()
      try drainSocket()
    } catch {
      disconnect()
      guard error == .disconnected, !inbox.isEmpty else { throw error }
    }
  }

  /// The higher priorities first.
  private func drainRings() throws(BusError) {
    for ring in rings.reversed() {
      // Once more is left to the next turn; its bell says so.
      let mayHaveMore = try ring.drain { (event) throws(BusError) in try keep(event) }
      if mayHaveMore { ring.bells.client.ring() }
    }
  }

  func drainSocket() throws(BusError) {
    for _ in 0..<Self.packetsPerTurn {
      guard let packet = try receive() else { return }
      // A reply here is a second one.
      if Reply(packet) == nil { try take(packet) }
    }
  }

  public func untoldCount() throws(BusError) -> Int {
    let answer: UInt64
    do throws(BusError) { answer = try ask(.untold, []) } catch {
      // A host that does not know the question.
      guard error == .refused(.notImplemented) else { throw error }
      return 0
    }
    do throws(BusError) { try drainRings() } catch {
      disconnect()
      throw error
    }
    guard answer <= Limits.devicesMax * 2 else {
      disconnect()
      throw .nonsense(.impossibleAnswer(answer))
    }
    return Int(answer)
  }
}
