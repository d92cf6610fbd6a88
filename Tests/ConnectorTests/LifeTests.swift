import LinuxSystem
import TestSupport
import Testing
import Vbus
import VbusClient
import VbusLink
import Virtio

@Suite("Beginnings and ends over any connector")
struct LifeTests {
  @Test("After a reset the rings begin anew", arguments: WayOfRing.all)
  func reset(place: WayOfRing) throws {
    let lab = try BusLab(place.way)
    let (device, ring) = try SignalTests.rig(place, lab)
    for round in 0..<3 as Range<UInt64> {
      try device.reset()
      #expect(try device.status() == [])
      try device.negotiate(.version1)
      try ring.queue.restart()
      try device.start()
      try ring.post(ring.buffer(16), isWritable: true, cookie: round)
      #expect(try ring.finish() == [QueueCompletion(cookie: round, written: 16)])
    }
  }

  @Test("A reset device serves nothing", arguments: WayOfRing.all)
  func stopped(place: WayOfRing) throws {
    let lab = try BusLab(place.way)
    let (device, ring) = try SignalTests.rig(place, lab)
    try device.reset()
    try ring.queue.restart()
    try ring.post(ring.buffer(16), isWritable: true)
    _ = try ring.events(milliseconds: 100)
    #expect(try ring.queue.reap() == nil)
  }

  @Test("Another ring format may follow in another life of the device", arguments: Way.all)
  func otherFormat(way: Way) throws {
    let lab = try BusLab(way)
    let rng = try lab.rng()
    let client = try lab.client(for: rng)
    for format in [RingFormat.ioq, .virtqueue, .ioq] {
      let device = try VirtioDevice(client.open(lab.id(of: rng)))
      try device.negotiate(.splitRing)
      let ring = try Ring(0, format, 4, .fromDevice, of: device)
      try device.start()
      try ring.post(ring.buffer(32), isWritable: true)
      #expect(try ring.finish().map(\.written) == [32])
      try device.connection.close()
    }
  }

  @Test("Closing finishes what was posted", arguments: Way.buses)
  func closeFinishes(way: Way) throws {
    let lab = try BusLab(way)
    let disk = try Disk(lab.open(lab.disk()))
    let ring = disk.rings[0]
    for index in 0..<8 as Range<UInt64> {
      _ = try disk.postWrite([UInt8](repeating: 1, count: 512), sector: index)
    }
    try ring.queue.publish()
    try disk.device.connection.close()
    var count = 0
    while try ring.queue.reap() != nil { count += 1 }
    #expect(count == 8)
  }

  @Test("Closing tells of the end of each signal", arguments: Way.all)
  func closeTells(way: Way) throws {
    let lab = try BusLab(way)
    let (device, ring) = try SignalTests.rig(WayOfRing(way: way, format: .virtqueue), lab)
    let client = device.connection.client
    try device.connection.close()
    let cookie = ring.queue.share.wish.cookie
    let isTold = try awaitAnswer("the last event") {
      try client.nextEvent(milliseconds: 100) == .shareClosed(cookie: cookie) ? true : nil
    }
    #expect(isTold)
  }

  @Test(
    "An unplugged device is dropped from the bus, and works until it is closed",
    arguments: Way.buses)
  func unplugged(way: Way) throws {
    let lab = try BusLab(way)
    let lent = try lab.disk()
    let disk = try Disk(lab.open(lent), size: 256)
    let client = disk.device.connection.client
    // What was not told yet would not be told at all.
    #expect(try client.nextEvent(milliseconds: 20_000) != nil)
    // Under load.
    for index in 0..<32 as Range<UInt64> {
      _ = try disk.postWrite([UInt8](repeating: 2, count: 512), sector: index)
    }
    try disk.rings[0].queue.publish()
    try lab.stop(lent)
    let isDropped = try awaitAnswer("DEVDROP") {
      try client.nextEvent(milliseconds: 100) == .deviceDropped(id: lent.offer.devID) ? true : nil
    }
    #expect(isDropped)
    #expect(try disk.rings[0].finish(32).count == 32)
    #expect(try disk.read(512, sector: 3).data == [UInt8](repeating: 2, count: 512))
    try disk.device.connection.close()
    #expect(throws: BusError.refused(.noEntry)) { _ = try client.open(lent.offer.devID) }
  }

  @Test("A vhost-user device that is unplugged ends its connection")
  func unpluggedFrontEnd() throws {
    let lab = try BusLab(.vhostUser)
    let lent = try lab.disk()
    let disk = try Disk(lab.open(lent), size: 256)
    let client = disk.device.connection.client
    #expect(try client.nextEvent(milliseconds: 20_000) == .deviceAdded(id: 0, type: "virtio-blk"))
    for index in 0..<32 as Range<UInt64> {
      _ = try disk.postWrite([UInt8](repeating: 2, count: 512), sector: index)
    }
    try disk.rings[0].queue.publish()
    try lab.stop(lent)
    let isDropped = try awaitAnswer("DEVDROP") {
      try client.nextEvent(milliseconds: 100) == .deviceDropped(id: 0) ? true : nil
    }
    #expect(isDropped)
    #expect(throws: BusError.refused(.noDevice)) { _ = try disk.device.status() }
    try disk.device.connection.close()
  }

  @Test("When a client is gone another one has its device at once", arguments: Way.all)
  func clientDeath(way: Way) throws {
    let lab = try BusLab(way)
    let rng = try lab.rng()
    let first = try lab.client(for: rng)
    let device = try VirtioDevice(first.open(lab.id(of: rng)))
    try device.negotiate(.version1)
    first.disconnect()
    #expect(throws: BusError.disconnected) { _ = try device.status() }
    let second = try lab.client(for: rng)
    let connection = try awaitAnswer("the device") { try? second.open(lab.id(of: rng)) }
    #expect(try VirtioDevice(connection).status() == [])
  }

  @Test("A client that is gone says so to who waits for it", arguments: Way.all)
  func disconnected(way: Way) throws {
    let lab = try BusLab(way)
    let client = try lab.client(for: lab.rng())
    while try client.nextEvent(milliseconds: 0) != nil {}
    client.disconnect()
    #expect(wait(on: client.descriptor, milliseconds: 5000))
    #expect(throws: BusError.disconnected) { _ = try client.nextEvent(milliseconds: 1000) }
    #expect(throws: BusError.disconnected) { _ = try client.makeMemory(byteCount: 4096) }
  }

  @Test("A broken ring stops its queue and nothing else", arguments: Way.all)
  func broken(way: Way) throws {
    let lab = try BusLab(way)
    let disk = try Disk(lab.open(lab.disk()), queueCount: 2)
    let queue = disk.rings[0].queue
    // An address that is nobody's.
    let nowhere = ClientBuffer(address: 0x10, offset: 0, byteCount: 512)
    #expect(try queue.post(nowhere.segment(isWritable: true), cookie: 9))
    try queue.publish()
    #expect(try wantsReset(disk.device))
    #expect(try disk.write([UInt8](repeating: 4, count: 512), sector: 0, on: 1) == 0)
    try disk.device.reset()
    try disk.device.negotiate(.splitRing)
    for ring in disk.rings { try ring.queue.restart() }
    try disk.device.start()
    #expect(try disk.read(512, sector: 0, on: 0).data == [UInt8](repeating: 4, count: 512))
  }

  @Test("A buffer that is nowhere stops a ring of either format", arguments: WayOfRing.all)
  func nowhere(place: WayOfRing) throws {
    let lab = try BusLab(place.way)
    let (device, ring) = try SignalTests.rig(place, lab)
    let nowhere = ClientBuffer(address: 0x10, offset: 0, byteCount: 512)
    try ring.post(nowhere, isWritable: true)
    #expect(try wantsReset(device))
  }

  @Test("An ioq's entry that is neither side's stops the ring", arguments: Way.all)
  func nobodys(way: Way) throws {
    let lab = try BusLab(way)
    let device = try VirtioDevice(lab.open(lab.rng()))
    try device.negotiate(.splitRing)
    let ring = try Ring(0, .ioq(4, .fromDevice), of: device.connection)
    try device.start()
    let wish = ring.queue.share.wish
    let window = wish.memory.bytes.window(at: wish.offset, byteCount: Int(wish.byteCount))
    window.storeRelaxed(UInt8(7), at: IoqLayout.descriptor(1) + IoqLayout.owner)
    try ring.post(ring.buffer(16), isWritable: true)
    #expect(try wantsReset(device))
    try device.reset()
    try device.negotiate(.splitRing)
    try ring.queue.restart()
    try device.start()
    try ring.post(ring.buffer(16), isWritable: true, cookie: 1)
    #expect(try ring.finish() == [QueueCompletion(cookie: 1, written: 16)])
  }

  @Test("A client does not notice that its engine is killed", arguments: WayOfRing.processes)
  func engineDies(place: WayOfRing) throws {
    let lab = try BusLab(place.way)
    let (device, ring) = try SignalTests.rig(place, lab)
    for death in 0..<3 as Range<UInt64> {
      try lab.killEngine {
        for _ in 0..<8 { try ring.post(ring.buffer(16), isWritable: true, cookie: death) }
      }
      let served = Array(repeating: QueueCompletion(cookie: death, written: 16), count: 8)
      #expect(try ring.finish(8) == served)
      #expect(try device.status().contains(.driverOK))
    }
  }

  private func wantsReset(_ device: VirtioDevice) throws -> Bool {
    try awaitAnswer("NEEDS_RESET") {
      _ = try device.connection.client.nextEvent(milliseconds: 1)
      return try device.status().contains(.needsReset) ? true : nil
    }
  }
}
