import LinuxSystem
import RingDriver
import Testing
import VhostUser

@Suite("What a front end may not do to others, and a death may not lose")
struct HarmReviewTests {
  let stand: Stand

  init() throws { stand = try Stand() }

  @Test("A call pipe whose reader is gone does not end the engine")
  func lostReader() throws {
    let pipe = try makePipe().writing
    let guest = try stand.guest(call: pipe)
    try stand.flush(awaiting: 1)
    #expect(try guest.queueCount() == 1)
  }

  @Test("A memory table that cannot be mapped is refused")
  func shortFile() throws {
    let guest = try stand.guest()
    #expect(throws: FrontEndError.refused(.setMemoryTable)) {
      try guest.setMemory([self.tooLong])
    }
  }

  @Test("After a refused memory table the guest goes on with the one it had")
  func oldTable() throws {
    let guest = try stand.guest()
    #expect(throws: FrontEndError.self) { try guest.setMemory([self.tooLong]) }
    try stand.flush(awaiting: 1)
  }

  @Test("A refused memory table does not keep a successor from taking up the session")
  func refusedThenKilled() throws {
    let guest = try stand.guest()
    #expect(throws: FrontEndError.self) { try guest.setMemory([self.tooLong]) }
    try stand.killEngine()
    try stand.startEngine()
    try stand.tellState(naming: true)
    #expect(try guest.queueCount() == 1)
    try stand.flush(awaiting: 1)
  }

  @Test("A table announced again and again leaves a successor what it needs")
  func manyTables() throws {
    let guest = try stand.guest()
    try guest.setMemory([stand.table])
    try guest.setMemory([stand.table])
    try stand.killEngine()
    try stand.startEngine()
    try stand.tellState(naming: true)
    try stand.flush(awaiting: 1)
  }

  @Test("The connection of a device that ended while no engine ran is closed")
  func endedMeanwhile() throws {
    let guest = try stand.guest()
    try stand.killEngine()
    try stand.startEngine()
    try stand.tellState(naming: false)
    #expect(throws: FrontEndError.self) { try guest.queueCount() }
    #expect(hasEnded(guest.socket))
  }

  @Test("A fault is forgotten when its queue was stopped and set up anew")
  func faultForgotten() throws {
    let guest = try stand.guest()
    stand.driver.available.storeRelease(UInt16(500), at: 2)
    stand.kick.ring()
    #expect(awaitAnswer { stand.record.fault != nil })
    #expect(try guest.stop(0) == 0)
    #expect(stand.record.fault == nil)
  }

  private var tooLong: FrontEnd.Memory {
    var table = stand.table
    table.byteCount *= 2
    return table
  }

  private func awaitAnswer(_ question: () -> Bool) -> Bool {
    let deadline = monotonicNanoseconds() + 10_000_000_000
    while !question(), monotonicNanoseconds() < deadline { pause(milliseconds: 1) }
    return question()
  }
}
