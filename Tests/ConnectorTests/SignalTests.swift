import LinuxSystem
import SharedMemory
import TestSupport
import Testing
import Vbus
import VbusClient
import VbusLink
import Virtio

@Suite("Signals over any connector")
struct SignalTests {
  /// A running source of random bytes with one ring, which has served once.
  static func rig(_ place: WayOfRing, _ lab: BusLab) throws -> (VirtioDevice, Ring) {
    let device = try lab.virtio(lab.rng(), .version1)
    let ring = try Ring(0, place.format, 8, .fromDevice, of: device)
    try device.start()
    try ring.post(ring.buffer(16), isWritable: true)
    _ = try ring.finish()
    return (device, ring)
  }

  @Test("With notifications disabled nothing is raised", arguments: WayOfRing.all)
  func masked(place: WayOfRing) throws {
    let lab = try BusLab(place.way)
    let (_, ring) = try Self.rig(place, lab)
    _ = try ring.events(milliseconds: 20)
    ring.queue.disableNotifications()
    try ring.post(ring.buffer(16), isWritable: true)
    #expect(try ring.events(milliseconds: 300).isEmpty)
    // It was served all the same.
    #expect(try ring.queue.reap()?.written == 16)
  }

  @Test("Enabling notifications tells of what is there", arguments: WayOfRing.all)
  func unmasked(place: WayOfRing) throws {
    let lab = try BusLab(place.way)
    let (_, ring) = try Self.rig(place, lab)
    ring.queue.disableNotifications()
    try ring.post(ring.buffer(16), isWritable: true)
    let isThere = try awaitAnswer("a completion") {
      _ = try ring.events(milliseconds: 1)
      return ring.queue.enableNotifications() ? true : nil
    }
    #expect(isThere)
    #expect(try ring.queue.reap()?.written == 16)
  }

  @Test("With notifications enabled the next completion is told", arguments: WayOfRing.all)
  func raised(place: WayOfRing) throws {
    let lab = try BusLab(place.way)
    let (_, ring) = try Self.rig(place, lab)
    _ = try ring.events(milliseconds: 20)
    #expect(!ring.queue.enableNotifications())
    try ring.post(ring.buffer(16), isWritable: true)
    #expect(try ring.queue.share.wait(milliseconds: 20_000))
    #expect(try ring.queue.reap()?.written == 16)
  }

  @Test("A bell of its own is readable, where there is one", arguments: [Way.inProcess, .socket])
  func ownBell(way: Way) throws {
    let lab = try BusLab(way)
    let (_, ring) = try Self.rig(WayOfRing(way: way, format: .ioq), lab)
    #expect(ring.queue.share.signal?.bells != nil)
    _ = ring.queue.share.clear()
    #expect(!ring.queue.enableNotifications())
    try ring.post(ring.buffer(16), isWritable: true)
    #expect(wait(on: ring.queue.share.descriptor, milliseconds: 20_000))
    #expect(ring.queue.share.clear())
  }

  @Test("Without bells a signal is an event of the bus", arguments: WayOfRing.all)
  func event(place: WayOfRing) throws {
    let lab = try BusLab(place.way)
    let device = try lab.virtio(lab.rng(), .version1)
    var shape = QueueShape(place.format, 8, flow: .fromDevice, features: device.features)
    shape.wantsOwnBells = false
    let ring = try Ring(0, shape, of: device.connection)
    try device.start()
    #expect(ring.queue.share.signal?.bells == nil)
    #expect(!ring.queue.enableNotifications())
    try ring.post(ring.buffer(16), isWritable: true)
    let cookie = ring.queue.share.wish.cookie
    let isTold = try awaitAnswer("the event") {
      let event = try device.connection.client.nextEvent(milliseconds: 100)
      return event == .signal(cookie: cookie) ? true : nil
    }
    #expect(isTold)
  }

  @Test("A descriptor is readable when something has come", arguments: Way.all)
  func descriptor(way: Way) throws {
    let lab = try BusLab(way)
    let (device, ring) = try Self.rig(WayOfRing(way: way, format: .virtqueue), lab)
    let client = device.connection.client
    _ = try ring.events(milliseconds: 20)
    while try client.nextEvent(milliseconds: 0) != nil {}
    #expect(!ring.queue.enableNotifications())
    try ring.post(ring.buffer(16), isWritable: true)
    let isReaped = try awaitAnswer("a completion") { () -> Bool? in
      guard wait(on: ring.queue.descriptor, milliseconds: 20_000) else { return nil }
      _ = ring.queue.share.clear()
      return try ring.queue.reap() == nil ? nil : true
    }
    #expect(isReaped)
  }

  @Test("A change of the configuration space is told", arguments: Way.all)
  func configurationChange(way: Way) throws {
    let lab = try BusLab(way)
    var console = try lab.console()
    let device = try VirtioDevice(lab.open(console))
    try device.negotiate([.version1, FeatureBits(bit: 0)])
    let share = try Self.configurationSignal(of: device)
    try device.start()
    #expect(try device.configuration(offset: 0, count: 12).first == 80)
    console.offer.values["columns"] = "100"
    try lab.serve(console)
    #expect(try share.wait(milliseconds: 20_000))
    #expect(try device.configuration(offset: 0, count: 1) == [100])
  }

  /// Memory that holds the signal of the configuration space, which is listened to.
  static func configurationSignal(of device: VirtioDevice) throws -> ClientShare {
    let memory = try device.connection.client.makeMemory(byteCount: 4096)
    guard let place = memory.allocate(16) else { throw Errno.noMemory }
    ShmSignalLayout.format(memory.window(of: place), at: 0)
    var signal = try WindowSignal(memory.window(of: place), at: 0, as: .north)
    signal.listen()
    return try device.connection.share(
      ShareWish(
        id: VirtioFunction.configurationShare, memory: memory.memory, offset: place.offset,
        byteCount: 16, signalOffset: 0))
  }
}
