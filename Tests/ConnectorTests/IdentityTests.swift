import LinuxSystem
import Testing
import VbusClient
import VbusLink
import Virtio

@Suite("A device over any connector says who it is and agrees on features")
struct IdentityTests {
  @Test("A connector says what travels over it", arguments: Way.all)
  func capabilities(way: Way) throws {
    let lab = try BusLab(way)
    #expect(try lab.connector(for: lab.rng()).capabilities == way.capabilities)
  }

  @Test("The devices of the bus are told with their types", arguments: Way.all)
  func devices(way: Way) throws {
    let lab = try BusLab(way)
    let rng = try lab.rng()
    let found = try lab.client(for: rng).devices()
    #expect(found.map(\.id) == [lab.id(of: rng)])
    #expect(found.map(\.type) == ["virtio-rng"])
  }

  @Test("A device that comes and goes is told of", arguments: Way.buses)
  func hotplug(way: Way) throws {
    let lab = try BusLab(way)
    let first = try lab.rng()
    let client = try lab.client(for: first)
    #expect(try client.devices().count == 1)
    #expect(
      try client.nextEvent(milliseconds: 20_000)
        == .deviceAdded(id: first.offer.devID, type: "virtio-rng"))
    let second = try lab.disk()
    #expect(
      try client.nextEvent(milliseconds: 20_000)
        == .deviceAdded(id: second.offer.devID, type: "virtio-blk"))
    try lab.stop(second)
    #expect(
      try client.nextEvent(milliseconds: 20_000) == .deviceDropped(id: second.offer.devID))
  }

  @Test("A device tells its virtio number and its queues", arguments: Way.all)
  func identity(way: Way) throws {
    let lab = try BusLab(way)
    let device = try VirtioDevice(lab.open(lab.disk()))
    #expect(device.identity.deviceID == 2)
    #expect(device.identity.queueCount == 2)
    #expect(device.identity.queueSizeMax == 1024)
  }

  @Test("The configuration space is read", arguments: Way.all)
  func configuration(way: Way) throws {
    let lab = try BusLab(way)
    let device = try VirtioDevice(lab.open(lab.disk()))
    // The capacity in sectors.
    #expect(try device.configuration(offset: 0, count: 8) == [0, 32, 0, 0, 0, 0, 0, 0])
    #expect(try device.configuration(offset: 1, count: 1) == [32])
  }

  @Test("A field that a driver may write takes what it is told", arguments: Way.all)
  func writing(way: Way) throws {
    let lab = try BusLab(way)
    let device = try VirtioDevice(lab.open(lab.disk()))
    // VIRTIO_BLK_F_CONFIG_WCE, and VIRTIO_BLK_F_FLUSH, which it needs.
    try device.negotiate([.version1, FeatureBits(bit: 9), FeatureBits(bit: 11)])
    try device.setConfiguration(offset: 32, [0])
    #expect(try device.configuration(offset: 32, count: 1) == [0])
    try device.setConfiguration(offset: 32, [1])
    #expect(try device.configuration(offset: 32, count: 1) == [1])
  }

  @Test("A field that is read-only refuses and stays", arguments: Way.all)
  func readOnly(way: Way) throws {
    let lab = try BusLab(way)
    let device = try VirtioDevice(lab.open(lab.disk()))
    #expect(throws: BusError.refused(.readOnly)) {
      try device.setConfiguration(offset: 0, [1])
    }
    #expect(try device.configuration(offset: 0, count: 2) == [0, 32])
  }

  @Test("Outside of the configuration space nothing is read or written", arguments: Way.all)
  func outside(way: Way) throws {
    let lab = try BusLab(way)
    let device = try VirtioDevice(lab.open(lab.disk()))
    #expect(throws: BusError.refused(.invalid)) {
      _ = try device.configuration(offset: 4096, count: 1)
    }
    #expect(throws: BusError.refused(.invalid)) {
      try device.setConfiguration(offset: 250, [UInt8](repeating: 0, count: 7))
    }
  }

  @Test("Features that are offered can be taken", arguments: Way.all)
  func negotiates(way: Way) throws {
    let lab = try BusLab(way)
    let device = try VirtioDevice(lab.open(lab.rng()))
    #expect(try device.offered() == .splitRing)
    #expect(try device.negotiate([.version1, .packedRing]) == .version1)
    #expect(try device.status() == [.acknowledge, .driver, .featuresOK])
  }

  @Test("A feature that is not offered is refused", arguments: Way.all)
  func notOffered(way: Way) throws {
    let lab = try BusLab(way)
    let connection = try lab.open(lab.rng())
    #expect(throws: BusError.refused(.invalid)) {
      var bytes: [UInt8] = [0, 0, 0, 0, 5, 0, 0, 0]
      try connection.call(VirtioFunction.setFeatures.rawValue, data: &bytes)
    }
    #expect(try VirtioDevice(connection).negotiate(.version1) == .version1)
  }

  @Test("A running device does not take other features", arguments: Way.all)
  func running(way: Way) throws {
    let lab = try BusLab(way)
    let device = try VirtioDevice(lab.open(lab.rng()))
    try device.negotiate(.version1)
    try device.start()
    #expect(throws: BusError.refused(.busy)) {
      var bytes = [UInt8](repeating: 0, count: 8)
      try device.connection.call(VirtioFunction.setFeatures.rawValue, data: &bytes)
    }
  }

  @Test("A status bit cannot be taken back but by a reset", arguments: Way.all)
  func statusBack(way: Way) throws {
    let lab = try BusLab(way)
    let device = try VirtioDevice(lab.open(lab.rng()))
    try device.setStatus([.acknowledge, .driver])
    #expect(throws: BusError.refused(.invalid)) { try device.setStatus([.acknowledge]) }
    try device.reset()
    #expect(try device.status() == [])
  }
}
