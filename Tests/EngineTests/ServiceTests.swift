import EngineLink
import LinuxSystem
import RingDriver
import Testing
import VhostUser

@Suite("A live disk in the shipped engine")
struct ServiceTests {
  let lab: EngineLab
  let disk: LabDisk

  init() throws {
    lab = try EngineLab()
    disk = try lab.disk()
  }

  @Test("What a guest writes is in the image, and read back")
  func writes() throws {
    let guest = try Guest.running(disk)
    #expect(try guest.queues[0].write(pattern(8, 1), sector: 8) == 0)
    #expect(try guest.queues[0].read(sector: 8) == pattern(8, 1))
    #expect(try disk.content(sector: 8, count: 4096) == pattern(8, 1))
  }

  @Test("A guest reads what is in the image")
  func reads() throws {
    try write(pattern(0, 9), to: disk.image)
    #expect(try Guest.running(disk).queues[0].read(sector: 0) == pattern(0, 9))
  }

  @Test("A flush succeeds")
  func flushes() throws { #expect(try Guest.running(disk).queues[0].flush() == 0) }

  @Test("A request beyond the end of the disk fails and changes nothing")
  func beyondTheEnd() throws {
    let guest = try Guest.running(disk)
    #expect(try guest.queues[0].write(pattern(1, 1), sector: 2048) == 1)
    #expect(try facts(of: disk.image).byteCount == UInt64(LabDisk.byteCount))
  }

  @Test("Both queues of a disk serve")
  func twoQueues() throws {
    let guest = try Guest.running(disk, queueCount: 2)
    #expect(try guest.queues[0].write(pattern(0, 1), sector: 0) == 0)
    #expect(try guest.queues[1].read(sector: 0) == pattern(0, 1))
  }

  @Test("A guest reads the capacity from the configuration space")
  func capacity() throws {
    let guest = try Guest.running(disk)
    #expect(try guest.frontEnd.configuration(offset: 0, count: 8) == [0, 8, 0, 0, 0, 0, 0, 0])
  }

  @Test("A read beyond the fields of the configuration space gives zeros")
  func configurationEnd() throws {
    let guest = try Guest.running(disk)
    #expect(try guest.frontEnd.configuration(offset: 248, count: 8).allSatisfy { $0 == 0 })
  }

  @Test("A write to a field that is read-only is refused, and the connection goes on")
  func readOnlyField() throws {
    let guest = try Guest.running(disk)
    #expect(throws: FrontEndError.refused(.setConfiguration)) {
      try guest.frontEnd.setConfiguration(offset: 0, [1])
    }
    #expect(try guest.queues[0].flush() == 0)
  }

  @Test("Only what the administrator lets is offered")
  func masked() throws {
    let other = try LabDisk(in: lab.keeper.folder)
    var offer = other.offer
    offer.offered = 1 << 32
    _ = try lab.control.serve(offer, other.descriptors)
    var frontEnd = try FrontEnd(connectingTo: other.path)
    #expect(try frontEnd.negotiate() == 1 << 32 | 1 << 30)
  }

  @Test("The record shows connection, features, running queues and counters")
  func shows() throws {
    let guest = try Guest.running(disk)
    _ = try guest.queues[0].read(sector: 0)
    #expect(disk.record.isConnected)
    #expect(disk.record.isRunning)
    #expect(disk.record.acked == guest.acked & ~(1 << 30))
    #expect(disk.record.queue(0).size == 64)
    #expect(disk.record.queue(1).state == .stopped)
    #expect(disk.record.counters.relaxed64(at: 0) == 1)
  }

  @Test("When the front end goes, the record shows it, and control hears of it")
  func goes() throws {
    var guest: Guest? = try Guest.running(disk)
    #expect(guest?.queues.count == 1)
    guest = nil
    try disk.waitUntil { !$0.isConnected && !$0.isRunning }
    #expect(disk.record.acked == 0)
    #expect(
      try lab.control.hear { $0 == .changed(id: disk.offer.id) } == .changed(id: disk.offer.id))
  }

  @Test("A second front end is turned away and the first one goes on")
  func second() throws {
    let guest = try Guest.running(disk)
    let other = try FrontEnd(connectingTo: disk.path)
    #expect(throws: (any Error).self) { try other.ask(Message(.getFeatures)) }
    #expect(try guest.queues[0].flush() == 0)
  }

  @Test("A queue goes on where it stopped")
  func stopsAndStarts() throws {
    let guest = try Guest.running(disk)
    _ = try guest.queues[0].write(pattern(0, 3), sector: 0)
    let base = try guest.frontEnd.stop(0)
    #expect(base == 1)
    #expect(disk.record.queue(0).state == .stopped)
    try guest.start(guest.queues[0], at: base)
    #expect(try guest.queues[0].read(sector: 0) == pattern(0, 3))
  }

  @Test("What was offered to a disabled queue is served when it is enabled")
  func disabled() throws {
    let guest = try Guest.running(disk)
    try guest.frontEnd.setEnabled(0, false)
    guest.queues[0].offerRead(sector: 0, slot: 0)
    guest.queues[0].driver.publish()
    guest.queues[0].kick.ring()
    #expect(disk.record.queue(0).state == .stopped)
    try guest.frontEnd.setEnabled(0, true)
    try guest.queues[0].finish(1)
    #expect(guest.queues[0].status(of: 0) == 0)
  }

  @Test("A second memory table moves running rings with it")
  func secondTable() throws {
    let guest = try Guest.running(disk)
    _ = try guest.queues[0].write(pattern(0, 4), sector: 0)
    try guest.frontEnd.setMemory([guest.table])
    #expect(try guest.queues[0].read(sector: 0) == pattern(0, 4))
  }

  @Test("A memory table that cannot be mapped is refused, and the former one stays")
  func badTable() throws {
    let guest = try Guest.running(disk)
    var bad = guest.table
    bad.byteCount *= 2
    #expect(throws: FrontEndError.refused(.setMemoryTable)) { try guest.frontEnd.setMemory([bad]) }
    #expect(try guest.queues[0].flush() == 0)
    try lab.killEngine()
    #expect(try guest.queues[0].flush() == 0)
  }

  @Test("A queue begins at 0 after a reset of the device")
  func resetBase() throws {
    let guest = try Guest.running(disk)
    _ = try guest.queues[0].flush()
    try guest.frontEnd.resetDevice()
    #expect(try guest.frontEnd.stop(0) == 0)
  }

  @Test("The write cache that a guest has set stays when its features are told again")
  func writeCache() throws {
    let guest = try Guest.running(disk)
    try guest.frontEnd.setConfiguration(offset: 32, [0])
    try guest.frontEnd.tell(.setFeatures, payloadBytes { $0.put(guest.acked) })
    #expect(try guest.frontEnd.configuration(offset: 32, count: 1) == [0])
  }

  @Test("Notifications in band are not offered unless the device says so")
  func notInBand() throws {
    let guest = try Guest(connectingTo: disk.path)
    #expect(throws: (any Error).self) {
      try guest.frontEnd.negotiate(protocolFeatures: .implemented)
      try guest.frontEnd.kickInBand(0)
    }
  }

  @Test("Notifications in band: kicks and calls are messages")
  func inBand() throws {
    let disk = try lab.disk(["in_band_notifications": "1"])
    let guest = try Guest(connectingTo: disk.path)
    try guest.frontEnd.negotiate(protocolFeatures: .implemented)
    try guest.frontEnd.setMemory([guest.table])
    let channel = try guest.frontEnd.openBackendChannel()
    var ring = guest.queues[0].announcement
    ring.call = nil
    ring.kick = nil
    try guest.frontEnd.start(ring)
    guest.queues[0].offerWrite(pattern(0, 5), sector: 0, slot: 0)
    guest.queues[0].driver.publish()
    try guest.frontEnd.kickInBand(0)
    let call = try receiveMessage(from: channel, milliseconds: 10_000)
    #expect(call.backendRequest == .vringCall)
    #expect(try guest.queues[0].driver.reapAll().count == 1)
    #expect(guest.queues[0].status(of: 0) == 0)
  }

  @Test("Unplugging closes the front end's connection and frees the device")
  func unplug() throws {
    let guest = try Guest.running(disk)
    try lab.control.stop(disk.offer.id)
    #expect(throws: (any Error).self) { try guest.frontEnd.ask(Message(.getFeatures)) }
    #expect(!disk.record.isConnected)
  }

  @Test("A device unplugged while the engine was dead ends for its front end")
  func unplugDead() throws {
    let guest = try Guest.running(disk)
    lab.control.forget(disk.offer.id)
    try lab.killEngine()
    #expect(throws: (any Error).self) { try guest.frontEnd.ask(Message(.getFeatures)) }
  }

  @Test("A device of an unknown class is refused with an errno")
  func unknownClass() throws {
    let other = try LabDisk(in: lab.keeper.folder)
    var offer = other.offer
    offer.className = "nonsense"
    let answer = try lab.control.serve(offer, other.descriptors)
    guard case .refused(_, _, let errno, let reason) = answer else {
      Issue.record("it was not refused")
      return
    }
    #expect(errno == Errno.noEntry.rawValue)
    #expect(reason.contains("nonsense"))
  }

  @Test("A device without its record is refused")
  func noRecord() throws {
    let other = try LabDisk(in: lab.keeper.folder)
    let answer = try lab.control.serve(other.offer, [other.image, other.image, other.image])
    #expect(throws: Never.self) {
      guard case .refused = answer else { throw Errno.invalid }
    }
  }

  @Test("Bytes of control that are no message are ignored")
  func garbageOfControl() throws {
    try lab.control.send([UInt8](repeating: 255, count: 1000))
    #expect(try Guest.running(disk).queues[0].flush() == 0)
  }

  @Test("A new control finds the devices undisturbed")
  func newControl() throws {
    let guest = try Guest.running(disk)
    try lab.control.renew()
    #expect(try guest.queues[0].flush() == 0)
  }
}
