internal import LinuxSystem

extension ResumableStream {
  /// Takes bytes of the stream, cut anywhere.
  package mutating func receive(
    _ bytes: some Sequence<UInt8>
  ) throws(StreamFault) -> [Event] {
    var events: [Event] = []
    guard state != .noStream else { return events }
    input += bytes
    var place = 0
    while try step(&place, &events) {}
    input.removeFirst(place)
    return events
  }

  /// Goes on by one frame or greeting; false when more bytes are needed first.
  private mutating func step(
    _ place: inout Int, _ events: inout [Event]
  ) throws(StreamFault) -> Bool {
    switch state {
    case .noStream: return false
    case .searching(let skipped, let isFresh):
      return try search(&place, skipped, isFresh, &events)
    case .established: return try read(&place, &events)
    }
  }

  // MARK: Searching

  private mutating func search(
    _ place: inout Int, _ skipped: Int, _ isFresh: Bool, _ events: inout [Event]
  ) throws(StreamFault) -> Bool {
    let start = place
    place = findMagic(from: place)
    let passed = skipped + place - start
    guard passed <= StreamLimits.skippedByteCountMax else { throw .noGreeting }
    state = .searching(skipped: passed, isFresh: isFresh)
    guard input.count - place >= Greeting.byteCount else { return false }
    let bytes = Array(input[place..<place + Greeting.byteCount])
    guard let greeting = try Greeting(bytes),
      // Noise cannot have made a greeting that begins the stream, or has our number.
      greeting.session == session || passed == 0 || session == 0 && greeting.isNew
    else {
      place += 1
      state = .searching(skipped: passed + 1, isFresh: isFresh)
      return true
    }
    place += Greeting.byteCount
    try take(greeting, &events)
    return true
  }

  /// Where the magic number begins, or may begin with what comes next.
  private func findMagic(from start: Int) -> Int {
    for place in start..<input.count where input[place] == Greeting.magic[0] {
      let count = min(Greeting.magic.count, input.count - place)
      if input[place..<place + count].elementsEqual(Greeting.magic.prefix(count)) { return place }
    }
    return input.count
  }

  /// Takes up the session where the peer says it is.
  private mutating func take(
    _ greeting: Greeting, _ events: inout [Event]
  ) throws(StreamFault) {
    if greeting.session != session { try takeOther(greeting, &events) }
    guard greeting.session == session, session != 0 else { return }
    try confirm(greeting.received, isGreeting: true)
    isConfirmed = true
    // Who searches has said hello when it began to, but for an answerer on a fresh stream.
    let owesGreeting =
      switch state {
      case .established: !hasSeenUs(greeting)
      case .searching(_, let isFresh): isFresh && role == .answerer
      case .noStream: false
      }
    state = .established
    seen = greeting.number
    if owesGreeting { greet() }
  }

  /// A session that is not ours.
  private mutating func takeOther(
    _ greeting: Greeting, _ events: inout [Event]
  ) throws(StreamFault) {
    guard role == .answerer else { throw .sessionLost }
    guard greeting.isNew, greeting.session != 0 else {
      // A session that nobody here knows any more: it is told so.
      let mine = session
      session = 0
      seen = greeting.number
      greet()
      session = mine
      return
    }
    events.append(.newSession)
    session = greeting.session
    isConfirmed = false
    (unconfirmed, firstUnconfirmed, unconfirmedByteCount, next) = ([], 1, 0, 1)
    (received, told) = (0, 0)
  }

  // MARK: Frames

  private mutating func read(
    _ place: inout Int, _ events: inout [Event]
  ) throws(StreamFault) -> Bool {
    let rest = input.count - place
    guard rest >= 4 else { return false }
    let length = word32(place)
    guard length <= StreamLimits.messageByteCountMax else {
      return try readGreeting(&place, &events)
    }
    guard rest >= Self.headerByteCount else { return false }
    guard word32(place + 24) == Checksum.of(input[place..<place + 24]) else {
      damaged(&place)
      return true
    }
    let byteCount = Self.headerByteCount + Int(length)
    guard rest >= byteCount else { return false }
    let body = input[place + Self.headerByteCount..<place + byteCount]
    guard word32(place + 4) == Checksum.of(body) else {
      damaged(&place)
      return true
    }
    let (number, confirmed) = (word64(place + 8), word64(place + 16))
    let message = Array(body)
    place += byteCount
    try confirm(confirmed, isGreeting: false)
    guard !message.isEmpty else { return true }
    guard number == received &+ 1 else {
      // One that came twice is as good as one that came once.
      guard number > received else { return true }
      throw .gap(expected: received + 1, got: number)
    }
    received = number
    events.append(.message(message))
    return true
  }

  /// A frame cannot begin so: a greeting may.
  private mutating func readGreeting(
    _ place: inout Int, _ events: inout [Event]
  ) throws(StreamFault) -> Bool {
    let count = min(Greeting.magic.count, input.count - place)
    guard input[place..<place + count].elementsEqual(Greeting.magic.prefix(count)) else {
      damaged(&place)
      return true
    }
    guard input.count - place >= Greeting.byteCount else { return false }
    let bytes = Array(input[place..<place + Greeting.byteCount])
    guard let greeting = try Greeting(bytes) else {
      damaged(&place)
      return true
    }
    place += Greeting.byteCount
    try take(greeting, &events)
    return true
  }

  /// Nothing that follows can be trusted, up to the next greeting.
  private mutating func damaged(_ place: inout Int) {
    place += 1
    state = .searching(skipped: 1, isFresh: false)
    seen = 0
    greet()
  }

  /// The peer has everything up to this number.
  private mutating func confirm(
    _ number: UInt64, isGreeting: Bool
  ) throws(StreamFault) {
    let last = firstUnconfirmed + UInt64(unconfirmed.count) - 1
    guard number <= last else { throw .receivedUnsent(number) }
    guard number >= firstUnconfirmed - 1 else {
      // Frames may be older than what was confirmed meanwhile, greetings are not.
      guard !isGreeting else { throw .wantsConfirmed(number + 1) }
      return
    }
    let count = Int(number - (firstUnconfirmed - 1))
    guard count > 0 else { return }
    for message in unconfirmed.prefix(count) { unconfirmedByteCount -= message.count }
    unconfirmed.removeFirst(count)
    firstUnconfirmed += UInt64(count)
    next = max(next, firstUnconfirmed)
  }

  private func word32(_ place: Int) -> UInt32 {
    UInt32(truncatingIfNeeded: littleEndian(input[place..<place + 4]))
  }

  private func word64(_ place: Int) -> UInt64 { littleEndian(input[place..<place + 8]) }
}
