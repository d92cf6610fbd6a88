import EngineLink
import LinuxSystem
import RingDriver
import Testing
import VhostUser

@Suite("A live disk grows")
struct ConfigurationChangeTests {
  let lab: EngineLab
  let disk: LabDisk

  init() throws {
    lab = try EngineLab()
    disk = try lab.disk()
  }

  private static let larger = 2 * LabDisk.byteCount
  /// `capacity` in the configuration space, for the disk at first and when it has grown.
  private static let before: [UInt8] = [0, 8, 0, 0, 0, 0, 0, 0]
  private static let after: [UInt8] = [0, 16, 0, 0, 0, 0, 0, 0]

  private func offer(byteCount: Int) -> DeviceOffer {
    var offer = disk.offer
    offer.values["capacity"] = String(byteCount)
    return offer
  }

  private func grow() throws {
    try resize(disk.image, to: UInt64(Self.larger))
    _ = try lab.control.serve(offer(byteCount: Self.larger), disk.descriptors)
  }

  @Test("The guest is told by BACKEND_CONFIG_CHANGE_MSG, and reads the new capacity")
  func told() throws {
    let guest = try Guest.running(disk)
    let channel = try guest.frontEnd.openBackendChannel()
    try grow()
    let message = try receiveMessage(from: channel, milliseconds: 10_000)
    #expect(message.code == BackendRequest.configurationChanged.rawValue)
    #expect(try guest.frontEnd.configuration(offset: 0, count: 8) == Self.after)
  }

  @Test("The guest writes where there was nothing before")
  func writes() throws {
    let guest = try Guest.running(disk)
    #expect(try guest.queues[0].write(pattern(1, 1), sector: 2048) == 1)
    try grow()
    #expect(try guest.queues[0].write(pattern(1, 1), sector: 2048) == 0)
    #expect(try guest.queues[0].read(sector: 2048) == pattern(1, 1))
  }

  @Test("A front end without a channel is not told, and reads the new capacity")
  func noChannel() throws {
    let guest = try Guest.running(disk)
    try grow()
    #expect(try guest.frontEnd.configuration(offset: 0, count: 8) == Self.after)
  }

  @Test("What a guest could only have heard of a dead engine, its successor tells it")
  func afterDeath() throws {
    let guest = try Guest.running(disk)
    let channel = try guest.frontEnd.openBackendChannel()
    lab.control.forget(disk.offer.id)
    let engine = try lab.engine()
    lab.control.hold(offer(byteCount: Self.larger), disk.descriptors)
    try resize(disk.image, to: UInt64(Self.larger))
    try send(signal: Signal.kill, to: engine)
    let message = try receiveMessage(from: channel, milliseconds: 10_000)
    #expect(message.code == BackendRequest.configurationChanged.rawValue)
    #expect(try guest.frontEnd.configuration(offset: 0, count: 8) == Self.after)
  }

  @Test("The same values again tell the guest nothing")
  func same() throws {
    let guest = try Guest.running(disk)
    let channel = try guest.frontEnd.openBackendChannel()
    _ = try lab.control.serve(disk.offer, disk.descriptors)
    #expect(throws: (any Error).self) {
      try receiveMessage(from: channel, milliseconds: 50)
    }
  }

  @Test("Shrinking is refused, the guest is not told, and the connection goes on")
  func shrinks() throws {
    let guest = try Guest.running(disk)
    let answer = try lab.control.serve(offer(byteCount: 512), disk.descriptors)
    guard case .refused(_, _, Errno.busy.rawValue, _) = answer else {
      Issue.record("it was not refused: \(answer)")
      return
    }
    #expect(try guest.frontEnd.configuration(offset: 0, count: 8) == Self.before)
    #expect(try guest.queues[0].write(pattern(1, 1), sector: 2047 - 7) == 0)
  }

  @Test("A capacity that makes no sense is refused, and the old one stays")
  func senseless() throws {
    let guest = try Guest.running(disk)
    let answer = try lab.control.serve(offer(byteCount: 1000), disk.descriptors)
    guard case .refused(_, _, Errno.invalid.rawValue, _) = answer else {
      Issue.record("it was not refused: \(answer)")
      return
    }
    #expect(try guest.frontEnd.configuration(offset: 0, count: 8) == Self.before)
  }
}
