import Devices
import Testing

@Suite("A switch remembers who is where, for a while, and no more than fit")
struct StationTableTests {
  static let second: UInt64 = 1_000_000_000
  static let here: UInt64 = 0x0200_0000_0001

  @Test("A station is where it was heard last")
  func moves() {
    var table = StationTable()
    table.learn(Self.here, at: 1, now: 5)
    #expect(table.port(of: Self.here, now: 6) == 1)
    table.learn(Self.here, at: 2, now: 7)
    #expect(table.port(of: Self.here, now: 8) == 2)
  }

  @Test("Who was never heard is unknown")
  func unknown() { #expect(StationTable().port(of: Self.here, now: 6) == nil) }

  @Test("Who has been silent for five minutes is unknown")
  func ages() {
    var table = StationTable()
    table.learn(Self.here, at: 1, now: 0)
    #expect(table.port(of: Self.here, now: 299 * Self.second) == 1)
    #expect(table.port(of: Self.here, now: 300 * Self.second) == nil)
  }

  @Test("A group's address and none are nobody's")
  func groups() {
    var table = StationTable()
    table.learn(0x0100_5e00_0001, at: 1, now: 0)
    table.learn(0, at: 1, now: 0)
    #expect(table.port(of: 0x0100_5e00_0001, now: 0) == nil)
    #expect(table.port(of: 0, now: 0) == nil)
  }

  @Test("The address a port is configured with is not taken by another's frames")
  func fixed() {
    var table = StationTable()
    table.fix(Self.here, at: 1)
    table.learn(Self.here, at: 2, now: 0)
    #expect(table.port(of: Self.here, now: 900 * Self.second) == 1)
  }

  @Test("Who was behind a port that is gone is unknown")
  func forgets() {
    var table = StationTable()
    table.fix(Self.here, at: 1)
    table.learn(Self.here + 1, at: 1, now: 0)
    table.learn(Self.here + 2, at: 2, now: 0)
    table.forget(port: 1)
    #expect(table.port(of: Self.here, now: 0) == nil)
    #expect(table.port(of: Self.here + 1, now: 0) == nil)
    #expect(table.port(of: Self.here + 2, now: 0) == 2)
  }

  @Test("A flood of addresses takes no configured one's place")
  func flood() {
    var table = StationTable()
    table.fix(Self.here, at: 1)
    for number in 0..<100_000 as Range<UInt64> {
      table.learn(0x0600_0000_0000 + number, at: 2, now: number)
    }
    #expect(table.port(of: Self.here, now: 100_000) == 1)
    #expect(table.port(of: 0x0600_0000_0000 + 99_999, now: 100_000) == 2)
  }
}
