package import LinuxSystem
internal import StreamLink
package import VbusClient

/// The other end of a `StreamConnector`'s stream: a client of a real bus, over any connector, on
/// behalf of who is far away. Over a `StreamConnector` too: then two streams lie in a row.
///
///     let relay = try StreamRelay { () throws(BusError) in try SocketConnector(connectingTo: path) }
///     try relay.serve(connectionsFrom: listener)
///
/// It serves one session at a time, with a bus client of its own. Another session takes the place
/// of the last one, and a new stream that of an older one: who was cut off notices before this
/// end does.
package final class StreamRelay {
  package enum Outcome: Hashable, Sendable {
    /// The stream was cut. Who was served may come back with another one.
    case cut
    /// Somebody else waits to be served.
    case superseded
    /// The session is over, and why: the client has left when there is nothing to say.
    case over(String)
  }

  private let connect: () throws(BusError) -> any Connector
  private let line: StreamLine
  /// The stream and the host.
  private let watched: DescriptorSet
  private var session: RelaySession?

  /// How long a session waits for another stream after a cut.
  private let resumeMilliseconds: UInt32
  private var patience: Deadline?
  /// The last turn ended with something left to do.
  private var isBusy = false

  package init(
    resumeMilliseconds: UInt32 = 10_000,
    connect: @escaping () throws(BusError) -> any Connector
  ) throws(Errno) {
    ignoreLostReaders()
    self.connect = connect
    self.resumeMilliseconds = resumeMilliseconds
    line = try StreamLine(ResumableStream(.answerer))
    watched = try DescriptorSet()
    try watched.add(line.watched.descriptor)
  }

  /// Somebody is being served, on a stream or between two.
  package var hasSession: Bool { session != nil }

  /// Serves one stream to its end, or until `other` is readable.
  package func serve(_ ends: StreamEnds, until other: Descriptor? = nil) -> Outcome {
    do throws(Errno) {
      try line.attach(ends)
      if let other { try watched.add(other) }
    } catch { return .over(error.text) }
    defer {
      line.detach()
      if let other { watched.remove(other) }
    }
    while true {
      if let outcome = turn() { return outcome }
      if isOverdue { return finish("the client did not come back in time") }
      if let other, wait(on: other, milliseconds: 0) { return .superseded }
      if !isBusy { waitForWork() }
    }
  }

  /// Serves whoever connects to a listener, one after the other, until `end` is readable. `report`
  /// hears why a session ended that its client did not end.
  package func serve(
    connectionsFrom listener: Descriptor, until end: Descriptor? = nil,
    report: (String) -> Void = { _ in }
  ) throws(Errno) {
    let others = try DescriptorSet()
    try others.add(listener)
    if let end { try others.add(end) }
    defer { self.end() }
    while true {
      let limit = hasSession ? Int32(clamping: resumeMilliseconds) : -1
      guard wait(on: others.descriptor, milliseconds: limit) else {
        self.end()
        continue
      }
      if let end, wait(on: end, milliseconds: 0) { return }
      guard let socket = try? accept(from: listener) else { continue }
      // Nothing for what is no connection of TCP.
      try? sendAtOnce(socket)
      let outcome = serve(StreamEnds(socket), until: others.descriptor)
      if case .over(let sentence) = outcome, !sentence.isEmpty { report(sentence) }
    }
  }

  /// A line is there, but for long nobody has gone on with the session.
  private var isOverdue: Bool {
    guard session != nil, !line.stream.isEstablished else {
      patience = nil
      return false
    }
    if patience == nil { patience = Deadline(milliseconds: resumeMilliseconds) }
    return patience?.hasPassed == true
  }

  /// Ends the session: every device is closed.
  package func end() {
    session?.end()
    session = nil
    line.stream = ResumableStream(.answerer)
    line.forget()
  }

  private func waitForWork() {
    // What the host has must wait for room in the stream.
    let place = line.isClear ? watched : line.watched
    _ = wait(on: place.descriptor, milliseconds: line.patienceMilliseconds)
  }

  /// Does what there is to do; nil while the stream goes on and nothing is left but to wait.
  private func turn() -> Outcome? {
    // What was said while the last answers were written is not waited for.
    for _ in 0..<Self.roundsPerTurn {
      var events: [ResumableStream.Event] = []
      let isWhole: Bool
      do throws(StreamFault) { isWhole = try line.move(&events) } catch {
        return finish(error.sentence)
      }
      do throws(RelayEnd) {
        for event in events { try take(event) }
        try session?.serveHost()
      } catch { return finish(error.sentence) }
      guard isWhole else { return .cut }
      isBusy = !events.isEmpty || line.hasToWrite
      guard isBusy else { break }
    }
    return nil
  }

  /// So that another stream is noticed.
  private static let roundsPerTurn = 16

  private func take(_ event: ResumableStream.Event) throws(RelayEnd) {
    switch event {
    case .newSession: try begin()
    case .message(let bytes):
      guard let message = StreamMessage(bytes) else { throw .fault(.unknownMessage) }
      try session?.take(message)
    }
  }

  private func begin() throws(RelayEnd) {
    session?.end()
    session = nil
    line.forget()
    do throws(BusError) {
      session = try RelaySession(on: BusClient(connect()), line, in: watched)
    } catch { throw .host(error) }
  }

  /// Tells the other end why this is the end.
  private func finish(_ sentence: String) -> Outcome {
    line.sayBye(sentence)
    end()
    return .over(sentence)
  }
}

/// Why a session over a stream ends.
enum RelayEnd: Error {
  /// The client has left.
  case left
  case fault(StreamFault)
  case host(BusError)
  /// The client has more under way than it may.
  case tooMuch
  /// This process has no memory for what the client sends.
  case noRoom

  var sentence: String {
    switch self {
    case .left: ""
    case .fault(let fault): fault.sentence
    case .host(let error): error.sentence
    case .tooMuch: "the client has more under way than it may"
    case .noRoom: "there is no memory for what the client sends"
    }
  }
}
