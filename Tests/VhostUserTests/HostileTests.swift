import Testing
import VhostUser
import TestSupport

@Suite("Nothing a front end sends traps the session")
struct HostileTests {
  @Test(
    "Random bytes are parsed or refused", arguments: 1...20 as ClosedRange<UInt64>)
  func randomBytes(_ seed: UInt64) {
    var dice = Dice(seed)
    for _ in 0..<500 {
      let bytes = dice.bytes(dice.below(80))
      if let message = try? Message(parsing: bytes) { #expect(message.bytes == bytes) }
    }
  }

  @Test(
    "Random messages leave a session that can be saved and restored",
    arguments: 1...20 as ClosedRange<UInt64>)
  func randomMessages(_ seed: UInt64) throws {
    var dice = Dice(seed)
    var session = try Bench.negotiated()
    for _ in 0..<500 { feed(dice.message(), descriptors: dice.below(3), to: &session) }
    #expect(try Session(restoring: session.lines) == session)
  }

  @Test(
    "A refused message changes nothing, and one received twice counts once",
    arguments: 1...20 as ClosedRange<UInt64>)
  func refusedChangesNothing(_ seed: UInt64) throws {
    var dice = Dice(seed)
    var session = try Bench.running()
    for _ in 0..<300 {
      let message = dice.message()
      let count = dice.below(3)
      let before = session
      guard feed(message, descriptors: count, to: &session) else {
        #expect(session == before)
        continue
      }
      var again = session
      #expect(feed(message, descriptors: count, to: &again))
      #expect(again.withoutIDs == session.withoutIDs)
    }
  }

  @Test(
    "A record with random damage is restored or refused",
    arguments: 1...20 as ClosedRange<UInt64>)
  func damagedRecord(_ seed: UInt64) throws {
    var dice = Dice(seed)
    let lines = try Bench.running().lines
    for _ in 0..<200 {
      var text = Array(lines.joined(separator: "\n").utf8)
      text[dice.below(text.count)] = UInt8(truncatingIfNeeded: dice.next())
      let damaged = String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
      if let session = try? Session(restoring: damaged) {
        #expect(try Session(restoring: session.lines) == session)
      }
    }
  }

  /// Receives and answers; whether it was accepted.
  @discardableResult
  private func feed(_ message: Message, descriptors: Int, to session: inout Session) -> Bool {
    do throws(SessionFault) {
      _ = try session.receive(message, descriptorCount: descriptors)
      _ = try session.reply(to: message)
      return true
    } catch {
      _ = session.refusal(of: message, for: error)
      return false
    }
  }
}

extension Session {
  /// The record without the numbers that count up when a table is received again.
  var withoutIDs: [String] {
    lines.filter { !$0.hasPrefix("next-region") }.map { line in
      line.hasPrefix("region") || line.hasPrefix("removed")
        ? line.split(separator: " ").dropFirst(2).joined(separator: " ") : line
    }
  }
}

extension Dice {
  /// Often nearly right: a known request, a payload of a usual size, small or extreme words.
  mutating func message() -> Message {
    let code = UInt32(below(48))
    let flags: Message.Flags = below(2) == 0 ? .version1 : [.version1, .needsReply]
    let count = [0, 8, 8, 8, 12, 13, 40, 40, 40, 72][below(10)]
    var payload: [UInt8] = []
    while payload.count < count {
      let word: UInt64 =
        switch below(6) {
        case 0: next()
        case 1: .max
        case 2: UInt64(below(2)) << 32 | UInt64(below(3))
        case 3: UInt64(below(300))
        case 4: UInt64(below(16)) * 0x1000
        default: 0
        }
      payload += (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }
    return Message(code: code, flags: flags, payload: Array(payload.prefix(count)))
  }
}
