import EngineLink
import LinuxSystem
import RingDriver
import Testing
import VhostUser
import Virtio

@Suite("An engine that dies loses nothing and answers each message once", .serialized)
struct DeathTests {
  @Test("A running guest goes on over the death of its engine")
  func runningGuest() throws {
    let lab = try EngineLab()
    let guest = try Guest.running(try lab.disk())
    _ = try guest.queues[0].write(pattern(0, 1), sector: 0)
    try lab.killEngine()
    #expect(try guest.queues[0].read(sector: 0) == pattern(0, 1))
    #expect(try guest.frontEnd.queueCount() == 2)
  }

  @Test("Requests that wait when the engine dies are served by the next one")
  func waitingRequests() throws {
    let lab = try EngineLab()
    let guest = try Guest.running(try lab.disk())
    let engine = try lab.engine()
    try send(signal: Signal.stop, to: engine)
    for slot in 0..<16 {
      guest.queues[0].offerWrite(pattern(UInt64(slot), 1), sector: UInt64(slot) * 8, slot: slot)
    }
    guest.queues[0].driver.publish()
    guest.queues[0].kick.ring()
    try send(signal: Signal.kill, to: engine)
    try guest.queues[0].finish(16)
    #expect((0..<16).allSatisfy { guest.queues[0].status(of: $0) == 0 })
  }

  @Test("What a guest has set in the configuration space outlives the engine")
  func configuration() throws {
    let lab = try EngineLab()
    let guest = try Guest.running(try lab.disk())
    try guest.frontEnd.setConfiguration(offset: 32, [0])
    try lab.killEngine()
    #expect(try guest.frontEnd.configuration(offset: 32, count: 1) == [0])
  }

  @Test("What a dead engine left unread takes no connection from its successor")
  func unread() throws {
    let lab = try EngineLab()
    let guest = try Guest.running(try lab.disk())
    try send(signal: Signal.stop, to: lab.engine())
    try lab.control.send(ControlMessage.complete(epoch: 77).bytes)
    try lab.killEngine()
    #expect(try guest.queues[0].flush() == 0)
    #expect(try guest.frontEnd.queueCount() == 2)
  }

  @Test("A memory table announced again and again leaves the next engine what it needs")
  func manyTables() throws {
    let lab = try EngineLab()
    let guest = try Guest.running(try lab.disk())
    for _ in 0..<3 { try guest.frontEnd.setMemory([guest.table]) }
    try lab.killEngine()
    #expect(try guest.queues[0].flush() == 0)
  }

  @Test("Faults of a record that is none: the front end is let go, and the next one is served")
  func brokenRecord() throws {
    let lab = try EngineLab()
    let disk = try lab.disk()
    let guest = try Guest.running(disk)
    try send(signal: Signal.stop, to: lab.engine())
    disk.record.lines = ["session 99", "queues x"]
    try lab.killEngine()
    #expect(throws: (any Error).self) { try guest.frontEnd.ask(Message(.getFeatures)) }
    #expect(try Guest.running(disk).queues[0].flush() == 0)
  }

  @Test("Killed at every third moment of a whole conversation: before a system call, or after it")
  func everyMoment() throws {
    let last = try EngineLab.killAtMoments { (_, disk, moment) in
      try converse(with: disk, round: moment)
    }
    #expect(last > 300)
  }

  @Test("Killed by SIGKILL a hundred times at random moments, under verified requests")
  func anyMoment() throws {
    for _ in 0..<13 {
      let lab = try EngineLab()
      let disk = try lab.disk()
      let killer = try Killer(of: lab.control, seed: UInt64(disk.offer.id))
      var round: UInt64 = 0
      while !killer.isDone {
        round += 1
        try converse(with: disk, round: round)
      }
      #expect(disk.record.fault == nil)
    }
  }

  /// Everything a front end says, and requests of which each is checked.
  private func converse(with disk: LabDisk, round: UInt64) throws {
    let guest = try Guest(connectingTo: disk.path, queueCount: 2)
    try guest.begin()
    let queue = guest.queues[0]
    #expect(try queue.write(pattern(0, round), sector: 0) == 0)
    try guest.frontEnd.setMemory([guest.table])
    let more = try makeMemoryFile("more", byteCount: 1 << 20)
    let region = FrontEnd.Memory(
      guestAddress: 1 << 40, userAddress: 1 << 41, byteCount: 1 << 20, file: more)
    try guest.frontEnd.addMemory(region)
    #expect(try queue.read(sector: 0) == pattern(0, round))
    try guest.frontEnd.removeMemory(region)
    _ = try guest.frontEnd.openBackendChannel()
    try guest.frontEnd.setConfiguration(offset: 32, [UInt8(round & 1)])
    #expect(try guest.frontEnd.configuration(offset: 32, count: 1) == [UInt8(round & 1)])
    let base = try guest.frontEnd.stop(0)
    #expect(base == 2)
    try guest.start(queue, at: base)
    for slot in 0..<queue.depth {
      queue.offerWrite(pattern(8, round), sector: 8 + 8 * UInt64(slot), slot: slot)
    }
    try queue.finish(queue.depth)
    #expect((0..<queue.depth).allSatisfy { queue.status(of: $0) == 0 })
    #expect(try guest.queues[1].read(sector: 8) == pattern(8, round))
    try guest.frontEnd.setStatus(15)
    #expect(try guest.frontEnd.status() == 15)
    #expect(try guest.frontEnd.queueCount() == 2)
    // Had anything been answered twice, this answer would not be the next one.
    #expect(try unreadByteCount(of: guest.frontEnd.socket) == 0)
    guest.leave()
  }
}
