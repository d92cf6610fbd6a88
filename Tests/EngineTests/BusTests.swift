import EngineLink
import LinuxSystem
import Testing
import Vbus
import VbusClient
import VbusLink
import Virtio

@Suite("Native clients attach to the shipped engine by the container's socket", .serialized)
struct BusTests {
  @Test("Who attaches is told of the devices that are there, in the order of their ids")
  func replay() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let ids = [try lab.rng(902), try lab.rng(901), try lab.rng(903)].sorted()
    let devices = try lab.client().devices()
    #expect(devices.map(\.id) == ids)
    #expect(devices.allSatisfy { $0.type == "virtio-rng" })
  }

  @Test("A device that comes and goes is told of")
  func hotplug() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let client = try lab.client()
    #expect(try client.devices().isEmpty)
    let id = try lab.rng()
    #expect(
      try client.nextEvent(milliseconds: 5000) == .deviceAdded(id: id, type: "virtio-rng"))
    try lab.control.stop(UInt64(id))
    #expect(try client.nextEvent(milliseconds: 5000) == .deviceDropped(id: id))
  }

  @Test("A disk is written and read through a virtqueue with bells of its own")
  func disk() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let disk = try lab.disk()
    let native = try NativeDisk(lab.client(), disk.offer.devID)
    #expect(native.device.identity.deviceID == 2)
    #expect(try native.write(pattern(0, 1), sector: 8) == 0)
    #expect(try native.read(sector: 8) == pattern(0, 1))
    #expect(try disk.content(sector: 8, count: 4096) == pattern(0, 1))
    #expect(disk.record.isConnected && disk.record.isRunning)
  }

  @Test("The same without bells: by SHMSIGNAL and events")
  func diskWithoutBells() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let native = try NativeDisk(lab.client(), lab.disk().offer.devID, wantsOwnBells: false)
    for round in 0..<8 as Range<UInt64> {
      #expect(try native.write(pattern(round, 2), sector: 8 * round) == 0)
      #expect(try native.read(sector: 8 * round) == pattern(round, 2))
    }
  }

  @Test("The same with events through rings in the client's memory")
  func diskWithEventQueues() throws {
    let lab = try EngineLab()
    try lab.openBus()
    var options = SocketConnector.Options()
    options.eventQueues = [IoqSize(4), IoqSize(4)].compactMap { $0 }
    let disk = try lab.disk()
    let client = try lab.client(options)
    #expect(try client.devices().map(\.id) == [disk.offer.devID])
    let native = try NativeDisk(client, disk.offer.devID, wantsOwnBells: false)
    for round in 0..<8 as Range<UInt64> {
      #expect(try native.write(pattern(round, 3), sector: 8 * round) == 0)
      #expect(try native.read(sector: 8 * round) == pattern(round, 3))
    }
  }

  @Test("Random bytes come through an ioq")
  func ioq() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let client = try lab.client()
    let device = try VirtioDevice(client.open(lab.rng()))
    try device.negotiate(.version1)
    let memory = try client.makeMemory(byteCount: 1 << 16)
    let queue = try device.makeQueue(0, .ioq(8, .fromDevice), in: memory)
    try device.start()
    let buffer = try #require(memory.allocate(256))
    #expect(try queue.post(buffer.segment(isWritable: true), cookie: 7))
    try queue.publish()
    #expect(try queue.wait(milliseconds: 5000))
    let completion = try queue.reap()
    #expect(completion?.cookie == 7 && completion?.written == 256)
    #expect(memory.bytes(of: buffer) != [UInt8](repeating: 0, count: 256))
  }

  @Test("A reset device begins anew with the same rings")
  func reset() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let native = try NativeDisk(lab.client(), lab.disk().offer.devID)
    _ = try native.write(pattern(1, 1), sector: 0)
    try native.device.reset()
    try native.queue.restart()
    try native.device.negotiate(.splitRing)
    try native.device.start()
    #expect(try native.read(sector: 0) == pattern(1, 1))
  }

  @Test("The configuration space is read, and written where the driver may")
  func configuration() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let native = try NativeDisk(
      lab.client(), lab.disk().offer.devID,
      features: FeatureBits.splitRing.union(FeatureBits(bit: 11)))
    let sectors = try native.device.configuration(offset: 0, count: 8)
    #expect(sectors == [0, 8, 0, 0, 0, 0, 0, 0])
    try native.device.setConfiguration(offset: 32, [0])
    #expect(try native.device.configuration(offset: 32, count: 1) == [0])
    #expect(throws: BusError.refused(.readOnly)) {
      try native.device.setConfiguration(offset: 0, [1])
    }
  }

  @Test("A closed device is there for the next client")
  func close() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let disk = try lab.disk()
    let native = try NativeDisk(lab.client(), disk.offer.devID)
    _ = try native.write(pattern(5, 1), sector: 0)
    try native.device.connection.close()
    let other = try NativeDisk(lab.client(), disk.offer.devID)
    #expect(try other.read(sector: 0) == pattern(5, 1))
  }

  @Test("A client that dies leaves its device to the next one")
  func death() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let disk = try lab.disk()
    let client = try lab.client()
    let native = try NativeDisk(client, disk.offer.devID)
    _ = try native.write(pattern(5, 1), sector: 0)
    client.disconnect()
    try disk.waitUntil { !$0.isConnected }
    #expect(try NativeDisk(lab.client(), disk.offer.devID).read(sector: 0) == pattern(5, 1))
  }

  @Test("A device that is unplugged while it is open works until it is closed")
  func unplugWhileOpen() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let disk = try lab.disk()
    let client = try lab.client()
    let native = try NativeDisk(client, disk.offer.devID)
    try lab.control.stop(disk.offer.id)
    #expect(try client.devices().isEmpty)
    #expect(try native.write(pattern(9, 1), sector: 0) == 0)
    #expect(throws: BusError.refused(.noEntry)) { try client.open(disk.offer.devID) }
    try native.device.connection.close()
    #expect(throws: BusError.refused(.noEntry)) { try native.device.status() }
  }

  @Test("A device that is revoked answers ENODEV to who has it open")
  func revoke() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let disk = try lab.disk()
    let native = try NativeDisk(lab.client(), disk.offer.devID)
    try lab.control.stop(disk.offer.id)
    lab.control.revoke(disk.offer.id)
    try lab.control.renew()
    #expect(throws: BusError.refused(.noDevice)) { try native.device.status() }
    try native.device.connection.close()
  }

  @Test("Control hears who is attached, and what he has open")
  func members() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let client = try lab.client()
    let id = try lab.rng()
    _ = try client.open(id)
    let heard = try lab.control.hear {
      if case .members(let members) = $0 { members.first?.openCount == 1 } else { false }
    }
    guard case .members(let members) = heard else { throw Errno.invalid }
    #expect(members.map(\.pid) == [processNumber()])
    #expect(members.map(\.uid) == [effectiveUser()])
  }
}
