import Testing
import VhostUser

@Suite("A session is saved as text and goes on from it")
struct RecordTests {
  @Test("A running session comes back as it was")
  func roundTrip() throws {
    let session = try Bench.running()
    #expect(try Session(restoring: session.lines) == session)
  }

  @Test("A session that nobody has talked to comes back as it was")
  func freshRoundTrip() throws {
    #expect(try Session(restoring: Bench.fresh().lines) == Bench.fresh())
  }

  @Test("A region that was just removed may be removed again after the restart")
  func removedRoundTrip() throws {
    var session = try Bench.running()
    let message = Bench.region(.removeMemoryRegion, Bench.place(0, 0x1000))
    let effect = try session.take(message)
    var restored = try Session(restoring: session.lines)
    #expect(try restored.take(message) == effect)
  }

  @Test("Region and queue have a line that tells all")
  func goldenLines() throws {
    let lines = try Bench.running().lines
    #expect(
      lines.contains("region 0 guest 0x0 user 0x100000000 bytes 0x1000 offset 0x0"))
    #expect(
      lines.contains(
        "queue 0 size 128 base 7 started 1 kick descriptor call descriptor error unset enabled 1"
          + " desc 0x1000 used 0x3000 avail 0x2000"))
  }

  @Test("Unknown lines and unknown names in a line are passed over")
  func newerWriter() throws {
    let session = try Bench.running()
    let lines = ["novelty 7", ""] + session.lines.map { $0 + " novelty 7" }
    #expect(try Session(restoring: lines) == session)
  }

  @Test("A record without a version is refused")
  func noVersion() {
    #expect(throws: SessionFault.malformedRecord(line: 0)) {
      try Session(restoring: Array(Bench.fresh().lines.dropFirst()))
    }
  }

  @Test("A record of another version is refused")
  func otherVersion() {
    #expect(throws: SessionFault.malformedRecord(line: 1)) {
      try Session(restoring: ["session 2"] + Bench.fresh().lines.dropFirst())
    }
  }

  @Test("No record at all is refused")
  func empty() {
    #expect(throws: SessionFault.malformedRecord(line: 0)) { try Session(restoring: []) }
  }

  @Test(
    "A malformed line is refused",
    arguments: [
      "owner", "owner yes", "status 0x100", "features 0x1", "protocol-features 0x2",
      "region 0", "region 0 guest 0x0 user 0x0 bytes 0x0 offset 0x0",
      "region x guest 0x0 user 0x0 bytes 0x1 offset 0x0",
      "queue 2 size 1 base 0 started 0 kick unset call unset error unset",
      "queue 0 size 2048 base 0 started 0 kick unset call unset error unset",
      "queue 0 size 1 base 0 started 0 kick maybe call unset error unset",
      "queue 0 size 1 base 0 started 0 kick unset call unset error unset desc 0x0",
      "queue 0 size 65536 base 0 started 0 kick unset call unset error unset",
    ])
  func malformed(_ line: String) {
    let lines = Bench.fresh().lines + [line]
    #expect(throws: SessionFault.malformedRecord(line: lines.count)) {
      try Session(restoring: lines)
    }
  }

  @Test("A record with more queues than doorbells can name is refused", arguments: [0, 257, -1])
  func queueCount(_ count: Int) {
    let lines = [
      "session 1", "offered 0x0", "protocol-offered 0x0", "queues \(count) size-max 1024",
    ]
    #expect(throws: SessionFault.malformedRecord(line: 4)) { try Session(restoring: lines) }
  }

  @Test("Two regions of one record that overlap are refused")
  func overlap() throws {
    let lines =
      try Bench.running().lines
      + ["region 9 guest 0x800 user 0x900000000 bytes 0x1000 offset 0x0"]
    #expect(throws: SessionFault.malformedRecord(line: lines.count)) {
      try Session(restoring: lines)
    }
  }
}
