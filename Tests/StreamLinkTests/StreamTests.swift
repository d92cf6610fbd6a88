import LinuxSystem
import StreamLink
import TestSupport
import Testing

@Suite("A resumable stream")
struct StreamTests {
  var line = Line()

  init() throws {
    line.begin()
    try line.settle()
  }

  /// Messages that tell themselves apart.
  static func messages(_ count: Int, _ seed: UInt64) -> [[UInt8]] {
    var dice = Dice(seed)
    return (0..<count).map { _ in dice.bytes(1 + dice.below(40)) }
  }

  @Test("The first greeting makes a session at both ends")
  func greeting() {
    #expect(line.opener.isEstablished && line.answerer.isEstablished)
    #expect(line.answerer.session == Line.session)
    #expect(line.sessions == 1)
  }

  @Test("Messages arrive in their order, both ways")
  mutating func order() throws {
    let (down, up) = (Self.messages(20, 1), Self.messages(20, 2))
    for message in down { line.opener.send(message) }
    for message in up { line.answerer.send(message) }
    try line.settle()
    #expect(line.atAnswerer == down)
    #expect(line.atOpener == up)
  }

  @Test("A cut after any number of bytes loses and doubles nothing")
  func everyCut() throws {
    let (down, up) = (Self.messages(4, 3), Self.messages(4, 4))
    var places = 0
    for place in 0..<800 {
      var line = Line()
      line.greetingsUp = up
      line.begin()
      for message in down { line.opener.send(message) }
      var left = place
      // Byte by byte, in turns, until the cut.
      while left > 0 {
        line.write()
        guard !line.down.isEmpty || !line.up.isEmpty else { break }
        if left % 2 == 0, !line.up.isEmpty {
          try line.deliverUp(1)
        } else {
          try line.deliverDown(1)
        }
        left -= 1
      }
      line.cut()
      try line.settle()
      guard line.atAnswerer == down, line.atOpener == up else { continue }
      places += 1
    }
    #expect(places == 800)
  }

  @Test("Noise anywhere is passed over, and what it hit is sent again")
  func everyDamage() throws {
    let (down, up) = (Self.messages(3, 5), Self.messages(3, 6))
    var healed = 0
    for place in 44..<220 {
      var line = Line()
      line.begin()
      try line.settle()
      for message in down { line.opener.send(message) }
      for message in up { line.answerer.send(message) }
      line.write()
      let index = place - 44
      if index < line.down.count { line.down[index] ^= 0x41 }
      try line.settle()
      healed += line.atAnswerer == down && line.atOpener == up ? 1 : 0
    }
    #expect(healed == 220 - 44)
  }

  @Test("What is lost at the end of a line that does not hang up is sent again in time")
  mutating func lostTail() throws {
    line.opener.send([1, 2, 3])
    line.write()
    line.down.removeLast(2)
    try line.settle()
    #expect(line.atAnswerer.isEmpty)
    line.opener.greetAgain()
    try line.settle()
    #expect(line.atAnswerer == [[1, 2, 3]])
  }

  @Test("Random cuts, pieces and noise lose and double nothing", arguments: 0..<60 as Range<UInt64>)
  func random(seed: UInt64) throws {
    var dice = Dice(seed)
    let (down, up) = (Self.messages(60, seed + 100), Self.messages(60, seed + 200))
    var line = Line()
    var (sentDown, sentUp) = (0, 0)
    line.begin()
    for _ in 0..<4000 {
      switch dice.below(40) {
      case 0: line.cut()
      case 1 where !line.down.isEmpty && line.opener.isConfirmed:
        line.down[dice.below(line.down.count)] ^= UInt8(1 << dice.below(8))
      case 2 where !line.up.isEmpty && line.opener.isConfirmed:
        line.up.remove(at: dice.below(line.up.count))
      case 3, 4:
        line.opener.greetAgain()
        line.answerer.greetAgain()
      case 5...9 where sentDown < down.count && line.opener.hasRoom(for: 40):
        line.opener.send(down[sentDown])
        sentDown += 1
      case 10...14
      where sentUp < up.count && line.answerer.session != 0 && line.answerer.hasRoom(for: 40):
        line.answerer.send(up[sentUp])
        sentUp += 1
      default:
        line.write()
        try line.deliverDown(1 + dice.below(90))
        try line.deliverUp(1 + dice.below(90))
      }
    }
    for message in down.dropFirst(sentDown) { line.opener.send(message) }
    for message in up.dropFirst(sentUp) { line.answerer.send(message) }
    line.cut()
    try line.settle()
    // Not the bytes: a failure would print them all.
    let isWhole = line.atAnswerer == down && line.atOpener == up
    #expect(isWhole)
    #expect(line.sessions == 1)
  }

  @Test("Without confirmations the window closes, and with them it opens")
  mutating func window() throws {
    let message = [UInt8](repeating: 7, count: 65536)
    var sent = 0
    while line.opener.hasRoom(for: message.count) {
      line.opener.send(message)
      sent += 1
    }
    #expect(sent == StreamLimits.windowByteCount / message.count)
    try line.settle()
    #expect(line.opener.hasRoom(for: message.count))
  }

  @Test("A client that was started anew begins another session on a fresh stream")
  mutating func newSession() throws {
    line.opener.send([1])
    try line.settle()
    line.opener = ResumableStream(.opener, session: 99)
    line.cut()
    line.opener.send([2])
    try line.settle()
    #expect(line.sessions == 2)
    #expect(line.atAnswerer == [[1], [2]])
  }

  @Test("What is not the protocol is no session")
  func foreign() throws {
    var stream = ResumableStream(.answerer)
    stream.begin()
    #expect(throws: StreamFault.noGreeting) {
      _ = try stream.receive([UInt8](repeating: 0x20, count: 3 << 20))
    }
  }

  @Test("A peer that has lost the session ends it")
  mutating func lost() throws {
    line.opener.send([1])
    try line.settle()
    line.answerer = ResumableStream(.answerer)
    line.cut()
    #expect(throws: StreamFault.sessionLost) { try line.settle() }
  }

  @Test("A peer that received what nobody sent ends the session")
  mutating func receivedUnsent() throws {
    // Another life of the client, with the same number, that has sent nothing yet.
    line.opener.send([1])
    try line.settle()
    line.opener = ResumableStream(.opener, session: Line.session)
    line.cut()
    #expect(throws: StreamFault.receivedUnsent(1)) { try line.settle() }
  }

  @Test("A message that is missing ends the session")
  mutating func gap() throws {
    var other = line
    line.opener.send([1])
    line.opener.send([2])
    other.opener.send([3])
    line.write()
    other.write()
    // The second message alone, which is as long as the first.
    let second = Array(line.down.suffix(29))
    #expect(throws: StreamFault.gap(expected: 1, got: 2)) {
      _ = try line.answerer.receive(second)
    }
  }

  @Test("A greeting of another version is refused")
  func version() throws {
    var (opener, answerer) = (ResumableStream(.opener, session: 5), ResumableStream(.answerer))
    opener.begin()
    answerer.begin()
    var bytes = Array(opener.output ?? [])
    bytes[8] = 2
    let sum = Checksum.of(bytes.dropLast(4))
    bytes.replaceSubrange(40..., with: littleEndian(sum, byteCount: 4))
    #expect(throws: StreamFault.wrongVersion(2)) { _ = try answerer.receive(bytes) }
  }

  @Test("A greeting of another session within damaged payload is not believed")
  mutating func injected() throws {
    var attacker = ResumableStream(.opener, session: 666)
    attacker.begin()
    let greeting = Array(attacker.output ?? [])
    line.opener.send([1, 2, 3] + greeting + greeting)
    line.write()
    // The head is hit, so that the payload is searched.
    line.down[4] ^= 1
    try line.settle()
    #expect(line.sessions == 1)
    #expect(line.answerer.session == Line.session)
    #expect(line.atAnswerer == [[1, 2, 3] + greeting + greeting])
  }
}
