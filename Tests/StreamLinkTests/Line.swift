import StreamLink

/// Two ends and the bytes between them, moved as the test says.
struct Line {
  static let session: UInt64 = 0x1234_5678_9abc_def1

  var opener = ResumableStream(.opener, session: session)
  var answerer = ResumableStream(.answerer)
  /// Bytes on their way.
  var down: [UInt8] = []
  var up: [UInt8] = []
  /// What arrived.
  var atAnswerer: [[UInt8]] = []
  var atOpener: [[UInt8]] = []
  var sessions = 0
  /// What the answerer says as soon as there is a session.
  var greetingsUp: [[UInt8]] = []

  mutating func begin() {
    (down, up) = ([], [])
    opener.begin()
    answerer.begin()
  }

  mutating func cut() {
    opener.end()
    answerer.end()
    begin()
  }

  /// Puts what the ends have to say on the line.
  mutating func write() {
    while let part = opener.output {
      down += part
      opener.wrote(part.count)
    }
    while let part = answerer.output {
      up += part
      answerer.wrote(part.count)
    }
  }

  mutating func deliverDown(_ count: Int) throws(StreamFault) {
    let part = down.prefix(count)
    down.removeFirst(part.count)
    for event in try answerer.receive(part) { atAnswerer += note(event) }
  }

  mutating func deliverUp(_ count: Int) throws(StreamFault) {
    let part = up.prefix(count)
    up.removeFirst(part.count)
    for event in try opener.receive(part) { atOpener += note(event) }
  }

  private mutating func note(_ event: ResumableStream.Event) -> [[UInt8]] {
    switch event {
    case .message(let bytes): return [bytes]
    case .newSession:
      sessions += 1
      for message in greetingsUp { answerer.send(message) }
      return []
    }
  }

  /// Moves everything until nothing is left to say.
  mutating func settle() throws(StreamFault) {
    for _ in 0..<1000 {
      write()
      guard !down.isEmpty || !up.isEmpty else { return }
      try deliverDown(.max)
      try deliverUp(.max)
    }
  }
}
