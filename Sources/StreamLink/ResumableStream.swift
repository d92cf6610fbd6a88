internal import LinuxSystem

/// Messages over a stream of bytes that may be cut anywhere, at any time, and damaged: each message
/// arrives once, in its turn, or the session is over. One end of it, without input or output:
///
///     stream.begin()                              // there is a stream, from its first byte
///     while let part = stream.output { stream.wrote(write(part)) }
///     for event in try stream.receive(bytes) { … }
///     stream.end()                                // it was cut; `begin` follows, or nothing
///
/// On the wire: a greeting, then frames of 28 bytes and the message: the message's length and
/// CRC-32, 32 bits each, its number and that of the last message received, 64 bits each, and the
/// CRC-32 of what stands before, for a length that is damaged must not be waited for. A frame
/// without a message only confirms. Whoever finds a frame damaged passes over everything up to
/// the peer's next greeting, and asks for it by one of its own: so a line that loses bytes and
/// never hangs up can be used as well.
///
/// The opener chooses the session's number, which nobody guesses; the answerer takes it over. One
/// that it does not know it takes for a new session, but only where noise cannot have made it.
package struct ResumableStream {
  package enum Role: Sendable { case opener, answerer }

  package enum Event: Hashable, Sendable {
    case message([UInt8])
    /// The peer has begun another session; what was left of the last one is gone.
    case newSession
  }

  enum State: Hashable, Sendable {
    case noStream
    /// Looks for the peer's greeting; so many bytes were passed over.
    case searching(skipped: Int, isFresh: Bool)
    case established
  }

  let role: Role
  /// 0 at the answerer before there is one.
  package internal(set) var session: UInt64
  var state = State.noStream
  /// The peer has confirmed the session once.
  package internal(set) var isConfirmed = false

  /// Messages that the peer has not confirmed, and the number of the first.
  var unconfirmed: [[UInt8]] = []
  var firstUnconfirmed: UInt64 = 1
  var unconfirmedByteCount = 0
  /// The number of the next message to be put on this stream.
  var next: UInt64 = 1
  /// Frames to be written, the first of which may be written in part.
  private var frames: [[UInt8]] = []
  private var writtenCount = 0

  /// The last message received in its turn, and the last that the peer was told of.
  var received: UInt64 = 0
  var told: UInt64 = 0
  /// What came and was not looked at.
  var input: [UInt8] = []

  private var number: UInt32 = 0
  var seen: UInt32 = 0

  static let headerByteCount = 28

  /// - Parameter session: the opener's number, which is not 0.
  package init(_ role: Role, session: UInt64 = 0) {
    precondition((session == 0) == (role == .answerer))
    self.role = role
    self.session = session
  }

  package var isEstablished: Bool { state == .established }

  /// Whether one more message of this length may be sent now.
  package func hasRoom(for byteCount: Int) -> Bool {
    guard let last = Int(exactly: unconfirmed.count), last > 0 else { return true }
    return last < StreamLimits.windowCount
      && unconfirmedByteCount + byteCount <= StreamLimits.windowByteCount
  }

  /// Sends a message as soon as there is a stream. Only with room for it.
  package mutating func send(_ message: [UInt8]) {
    precondition(!message.isEmpty && message.count <= StreamLimits.messageByteCountMax)
    unconfirmed.append(message)
    unconfirmedByteCount += message.count
  }

  /// There is a stream, of which nothing was read or written.
  package mutating func begin() {
    end()
    state = .searching(skipped: 0, isFresh: true)
    // The answerer does not know yet what to say.
    if role == .opener { greet() }
  }

  /// The stream was cut.
  package mutating func end() {
    state = .noStream
    frames = []
    writtenCount = 0
    input = []
    seen = 0
  }

  /// Says hello again, where a greeting or what followed may have been lost: what the peer has not
  /// confirmed is sent again, which does no harm.
  package mutating func greetAgain() {
    switch state {
    case .noStream: return
    case .searching(_, let isFresh): if isFresh, role == .answerer { return }
    case .established: if unconfirmed.isEmpty { return }
    }
    greet()
  }

  /// Waits for the peer, which may wait for us: after long enough, say hello again.
  package var isWaiting: Bool { !isEstablished || !unconfirmed.isEmpty }
  /// The newest message that the peer has confirmed: whether this moves says whether it is there.
  package var confirmed: UInt64 { firstUnconfirmed - 1 }

  mutating func greet() {
    // A frame that is written in part is finished: the peer finds the greeting sooner.
    frames = writtenCount > 0 ? [frames[0]] : []
    number &+= 1
    if number == 0 { number = 1 }
    frames.append(
      Greeting(
        session: session, number: number, seen: seen, received: received, isNew: !isConfirmed
      ).bytes)
    told = received
    next = firstUnconfirmed
  }

  /// Whether the peer reads behind our newest greeting.
  func hasSeenUs(_ greeting: Greeting) -> Bool { greeting.seen != 0 && greeting.seen == number }

  // MARK: Output

  /// What to write next; nil when there is nothing.
  package var output: ArraySlice<UInt8>? {
    mutating get {
      if frames.isEmpty, state == .established { fill() }
      return frames.first?[writtenCount...]
    }
  }

  /// So many bytes of `output` were written.
  package mutating func wrote(_ count: Int) {
    guard let first = frames.first else { return }
    writtenCount += count
    guard writtenCount >= first.count else { return }
    frames.removeFirst()
    writtenCount = 0
  }

  private mutating func fill() {
    let index = Int(next &- firstUnconfirmed)
    if index < unconfirmed.count {
      frames.append(frame(unconfirmed[index], number: next))
      next += 1
    } else if told != received {
      frames.append(frame([], number: 0))
    }
  }

  private mutating func frame(_ message: [UInt8], number: UInt64) -> [UInt8] {
    var writer = WireWriter()
    writer.put(UInt32(message.count))
    writer.put(Checksum.of(message))
    writer.put(number)
    writer.put(received)
    writer.put(Checksum.of(writer.bytes))
    told = received
    return writer.bytes + message
  }
}
