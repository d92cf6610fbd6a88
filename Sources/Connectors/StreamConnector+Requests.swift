internal import LinuxSystem
internal import StreamLink
package import VbusClient
package import VbusLink

extension StreamConnector {
  /// Sends a request and waits for its answer. `onDone` runs the moment it was done, before
  /// anything that was said or is posted after that.
  func ask(
    _ request: (_ tag: UInt32) -> StreamMessage,
    onDone: ((StreamAnswer) -> Void)? = nil
  ) throws(BusError) -> StreamAnswer {
    guard !isEnded else { throw .disconnected }
    // What the driver has posted before it asks goes before.
    try pump()
    tag &+= 1
    answer = nil
    self.onDone = onDone
    defer { self.onDone = nil }
    line.send(request(tag))
    let answer = try awaited { self.answer }
    if let errno = answer.errno { throw .refused(errno) }
    return answer
  }

  /// What the other end has to say in time.
  func awaited<Value>(_ value: () -> Value?) throws(BusError) -> Value {
    let deadline = Deadline(milliseconds: options.patienceMilliseconds)
    while true {
      try pump()
      if let value = value() { return value }
      guard !deadline.hasPassed else {
        disconnect()
        throw .timedOut
      }
      waitForStream(deadline)
    }
  }

  /// Waits for the stream, or a while where there is none.
  private func waitForStream(_ deadline: Deadline) {
    let rest = deadline.rest
    let pauseMilliseconds = Self.attemptMilliseconds
    guard line.ends != nil else {
      return pause(milliseconds: UInt32(min(UInt32(bitPattern: rest), pauseMilliseconds)))
    }
    let limit = line.patienceMilliseconds
    _ = wait(
      on: line.watched.descriptor,
      milliseconds: limit < 0 ? rest : rest < 0 ? limit : min(rest, limit))
  }

  private static let attemptMilliseconds: UInt32 = 20

  // MARK: Moving

  /// Moves whatever can be moved without waiting. Throws what ended the session.
  func pump() throws(BusError) {
    guard !isEnded else { throw .disconnected }
    if line.ends == nil { try reconnect() }
    for round in 1...Self.roundsPerTurn {
      var events: [ResumableStream.Event] = []
      do throws(StreamFault) {
        let isWhole = try line.move(&events)
        for event in events { try take(event) }
        if !isWhole { cut() }
      } catch { throw end(error) }
      try checkPatience()
      carry()
      // Nothing that came or is to be written must be left to whoever waits now.
      guard !isEnded, !events.isEmpty || line.hasToWrite else { break }
      if round == Self.roundsPerTurn { waiting.ring() }
    }
    raise()
    guard !isEnded else { throw .disconnected }
  }

  private static let roundsPerTurn = 64

  private func end(_ fault: StreamFault) -> BusError {
    lastWords = fault.sentence
    disconnect()
    switch fault {
    case .sessionLost: return .disconnected
    default: return .nonsense(.brokenStream)
    }
  }

  /// The stream is cut: another one is asked for, again and again for a while.
  private func cut() {
    line.detach()
    if patience == nil { patience = Deadline(milliseconds: options.patienceMilliseconds) }
    // Whoever waits for the descriptor has to come back.
    waiting.ring()
  }

  private func checkPatience() throws(BusError) {
    guard !line.stream.isEstablished else {
      patience = nil
      return
    }
    guard patience?.hasPassed == true else { return }
    disconnect()
    throw .disconnected
  }

  private func reconnect() throws(BusError) {
    let now = monotonicNanoseconds()
    let step = UInt64(Self.attemptMilliseconds) * 1_000_000
    if now < lastAttempt + step { return }
    lastAttempt = now
    do throws(Errno) {
      try line.attach(connect())
      if inbox.isEmpty { waiting.clear() }
    } catch {
      // Who has one stream only cannot have another.
      guard error == .notSupported else { return }
      lastWords = error.text
      disconnect()
      throw .disconnected
    }
  }

  // MARK: What comes

  private func take(_ event: ResumableStream.Event) throws(StreamFault) {
    guard !isEnded, case .message(let bytes) = event else { return }
    guard let message = StreamMessage(bytes) else { throw .unknownMessage }
    switch message {
    case .hello(let numbers): formats = RingFormats(rawValue: UInt8(truncatingIfNeeded: numbers))
    case .reply(let tag, let errno, let value, let data):
      guard tag == self.tag else { throw .unknownMessage }
      let answer = StreamAnswer(errno: errno, value: value, data: data)
      self.answer = answer
      if errno == nil { onDone?(answer) }
    case .event(let event):
      do throws(BusError) { try keep(event) } catch { throw .unknownMessage }
    case .data(let share, let chain, let bytes):
      guard try ring(share).write(bytes, to: chain) else { throw .unknownMessage }
    case .done(let share, let chain, let written, let last):
      guard try ring(share).settle(chain, written: written, last: last) else {
        throw .unknownMessage
      }
    case .raised(let number):
      guard let share = shares[number] else { throw .unknownMessage }
      if share.signal?.inject() == true { raise(share) }
    case .bye(let sentence):
      lastWords = sentence
      isEnded = true
      line.detach()
      waiting.ring()
    case .open, .close, .call, .share, .untold, .ring, .chain: throw .unknownMessage
    }
  }

  private func ring(_ share: UInt32) throws(StreamFault) -> StreamRing {
    guard let ring = shares[share]?.ring else { throw .unknownMessage }
    return ring
  }

  func keep(_ event: Event) throws(BusError) {
    let wasEmpty = inbox.isEmpty
    try inbox.append(event)
    if wasEmpty, !inbox.isEmpty { waiting.ring() }
  }

  /// The signal's event. A cookie that nobody has any more is passed over.
  func raise(_ share: StreamMemory) { try? keep(.signal(cookie: share.wish.cookie)) }

  package func nextEvent(milliseconds: Int32) throws(BusError) -> Event? {
    let deadline = Deadline(orNever: milliseconds)
    while true {
      if !isEnded { try pumpKeeping() }
      if let event = inbox.next() {
        if inbox.isEmpty, line.ends != nil { waiting.clear() }
        return event
      }
      guard !isEnded else { throw .disconnected }
      if deadline.hasPassed { return nil }
      waitForStream(deadline)
    }
  }

  /// What was kept before the end is still told.
  private func pumpKeeping() throws(BusError) {
    do throws(BusError) { try pump() } catch {
      guard error == .disconnected, !inbox.isEmpty else { throw error }
    }
  }

  package func untoldCount() throws(BusError) -> Int {
    let count = try ask { .untold(tag: $0) }.value
    guard count <= Limits.devicesMax * 2 else {
      disconnect()
      throw .nonsense(.impossibleAnswer(count))
    }
    return Int(count)
  }
}
