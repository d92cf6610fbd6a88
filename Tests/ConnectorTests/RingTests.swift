import LinuxSystem
import TestSupport
import Testing
import Vbus
import VbusClient
import VbusLink
import Virtio

@Suite("Rings over any connector")
struct RingTests {
  @Test("A device fills what a driver posts", arguments: WayOfRing.all)
  func fromDevice(place: WayOfRing) throws {
    let lab = try BusLab(place.way)
    let device = try lab.virtio(lab.rng())
    let ring = try Ring(0, place.format, 16, .fromDevice, of: device)
    try device.start()
    let buffers = try (0..<16).map { _ in try ring.buffer(256) }
    for (index, buffer) in buffers.enumerated() {
      #expect(
        try ring.queue.post(buffer.segment(isWritable: true), cookie: UInt64(index)))
    }
    try ring.queue.publish()
    let completions = try ring.finish(16)
    #expect(completions.map(\.cookie).sorted() == Array(0..<16))
    #expect(completions.allSatisfy { $0.written == 256 })
    #expect(Set(buffers.map { ring.memory.bytes(of: $0) }).count == 16)
  }

  @Test("An ioq may have any number of entries", arguments: Way.all, [1, 5])
  func anySize(way: Way, size: Int) throws {
    let lab = try BusLab(way)
    let device = try VirtioDevice(lab.open(lab.rng()))
    try device.negotiate(.splitRing)
    let ring = try Ring(0, .ioq(size, .fromDevice), of: device.connection)
    try device.start()
    for lap in 0..<3 as Range<UInt64> {
      for _ in 0..<size { try ring.post(ring.buffer(64), isWritable: true, cookie: lap) }
      #expect(try ring.finish(size).map(\.cookie) == Array(repeating: lap, count: size))
    }
  }

  @Test("What is posted before the device starts is served when it does", arguments: WayOfRing.all)
  func early(place: WayOfRing) throws {
    let lab = try BusLab(place.way)
    let device = try lab.virtio(lab.rng())
    let ring = try Ring(0, place.format, 4, .fromDevice, of: device)
    try ring.post(ring.buffer(64), isWritable: true, cookie: 5)
    try device.start()
    #expect(try ring.finish() == [QueueCompletion(cookie: 5, written: 64)])
  }

  @Test("A console passes text both ways", arguments: WayOfRing.all)
  func console(place: WayOfRing) throws {
    let lab = try BusLab(place.way)
    let console = try lab.console()
    let device = try lab.virtio(console)
    let input = try Ring(0, place.format, 8, .fromDevice, of: device)
    let output = try Ring(1, place.format, 8, .toDevice, of: device)
    try device.start()
    guard let host = console.host else { throw Errno.invalid }
    let text = Array("what a guest prints".utf8)
    try output.post(output.buffer(text), isWritable: false, cookie: 1)
    #expect(try output.finish() == [QueueCompletion(cookie: 1, written: 0)])
    #expect(wait(on: host, milliseconds: 20_000))
    #expect(try read(host, upTo: 100) == text)
    let place = try input.buffer(100)
    try input.post(place, isWritable: true, cookie: 2)
    try write(Array("typed".utf8), to: host)
    #expect(try input.finish() == [QueueCompletion(cookie: 2, written: 5)])
    #expect(input.memory.bytes(of: place, count: 5) == Array("typed".utf8))
  }

  @Test("A disk reads what was written to it", arguments: Way.all)
  func disk(way: Way) throws {
    let lab = try BusLab(way)
    let disk = try Disk(lab.open(lab.disk()))
    var dice = Dice(1)
    let bytes = dice.bytes(4096)
    #expect(try disk.write(bytes, sector: 8) == 0)
    let (status, data) = try disk.read(4096, sector: 8)
    #expect(status == 0)
    #expect(data == bytes)
  }

  @Test("A request that fails says so in the byte behind its data", arguments: Way.all)
  func failing(way: Way) throws {
    let lab = try BusLab(way)
    let disk = try Disk(lab.open(lab.disk()))
    // Behind the end.
    #expect(try disk.read(4096, sector: 1 << 20).status == 1)
    #expect(try disk.write([UInt8](repeating: 0, count: 512), sector: 1 << 20) == 1)
    #expect(try disk.read(512, sector: 0).status == 0)
  }

  @Test("Many requests are in flight at once", arguments: Way.all)
  func manyInFlight(way: Way) throws {
    let lab = try BusLab(way)
    let disk = try Disk(lab.open(lab.disk()), size: 256)
    var dice = Dice(2)
    let blocks = (0..<40).map { _ in dice.bytes(1024) }
    for (index, block) in blocks.enumerated() {
      _ = try disk.postWrite(block, sector: UInt64(2 * index), cookie: UInt64(index))
    }
    try disk.rings[0].queue.publish()
    #expect(try disk.rings[0].finish(40).map(\.cookie).sorted() == Array(0..<40))
    let reads = try (0..<40).map {
      try disk.postRead(1024, sector: UInt64(2 * $0), cookie: UInt64($0))
    }
    try disk.rings[0].queue.publish()
    #expect(try disk.rings[0].finish(40).count == 40)
    #expect(reads.map { disk.rings[0].memory.bytes(of: $0.data) } == blocks)
    #expect(reads.allSatisfy { disk.status($0) == 0 })
  }

  @Test("Two queues of a device serve beside each other", arguments: Way.all)
  func twoQueues(way: Way) throws {
    let lab = try BusLab(way)
    let disk = try Disk(lab.open(lab.disk()), queueCount: 2)
    #expect(try disk.write([UInt8](repeating: 7, count: 512), sector: 1, on: 0) == 0)
    #expect(try disk.read(512, sector: 1, on: 1).data == [UInt8](repeating: 7, count: 512))
  }

  @Test("A request of a megabyte arrives whole", arguments: Way.all.filter { $0 != .singleBytes })
  func large(way: Way) throws {
    let lab = try BusLab(way)
    let disk = try Disk(lab.open(lab.disk()))
    let bytes = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 / 512 + $0 % 251) }
    #expect(try disk.write(bytes, sector: 16) == 0)
    #expect(try disk.read(1 << 20, sector: 16).data == bytes)
  }

  @Test("A frame that is sent comes back", arguments: WayOfRing.all)
  func frames(place: WayOfRing) throws {
    let lab = try BusLab(place.way)
    let device = try lab.virtio(lab.card())
    let receiving = try Ring(0, place.format, 8, .fromDevice, of: device)
    let sending = try Ring(1, place.format, 8, .toDevice, of: device)
    let target = try receiving.buffer(1600)
    try receiving.post(target, isWritable: true)
    try device.start()
    // Twelve bytes of virtio's, then the frame.
    let frame =
      [UInt8](repeating: 0, count: 12) + [2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 8, 0]
      + [UInt8](repeating: 7, count: 46)
    try sending.post(sending.buffer(frame), isWritable: false)
    #expect(try sending.finish().count == 1)
    #expect(try receiving.finish().map(\.written) == [UInt32(frame.count)])
    #expect(receiving.memory.bytes(of: target, count: frame.count).dropFirst(12) == frame[12...])
  }

  @Test("A card's own interface sends and receives", arguments: Way.buses)
  func venet(way: Way) throws {
    let lab = try BusLab(way)
    let card = try VenetDevice(lab.open(lab.card()))
    #expect(try card.macAddress() == [2, 0, 0, 0, 0, 1])
    try card.linkUp()
    let frame =
      [2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 8, 0] + [UInt8](repeating: 3, count: 60)
    #expect(try card.send(frame))
    #expect(try card.receive(milliseconds: 20_000) == frame)
  }

  @Test("A card's own interface tells of its cable", arguments: Way.buses)
  func linkState(way: Way) throws {
    let lab = try BusLab(way)
    var host = try lab.card()
    let connection = try lab.open(host)
    let card = try VenetDevice(connection)
    #expect(try card.negotiate(group: VenetGroup.events.rawValue, 1) == 1)
    let memory = try connection.client.makeMemory(byteCount: 1 << 16)
    let pool = try #require(memory.allocate(4 * 24))
    _ = try connection.share(
      ShareWish(id: 100, memory: memory.memory, offset: pool.offset, byteCount: 4 * 24))
    let queue = try connection.makeQueue(101, .ioq(4, .fromDevice), in: memory)
    for index in 0..<4 {
      let place = ClientBuffer(
        address: pool.address + UInt64(24 * index), offset: pool.offset + 24 * index,
        byteCount: 24)
      #expect(try queue.post(place.segment(isWritable: true), cookie: UInt64(index)))
    }
    try queue.publish()
    try card.linkUp()
    host.offer.values["link"] = "down"
    try lab.serve(host)
    #expect(try queue.wait(milliseconds: 20_000))
    #expect(try queue.reap() == QueueCompletion(cookie: 0, written: 16))
    #expect(memory.bytes(of: pool, count: 16) == [0, 0, 0, 0, 16] + Array(repeating: 0, count: 11))
  }

  @Test("A ring of one format for data both ways is refused", arguments: Way.all)
  func ioqBothWays(way: Way) throws {
    let lab = try BusLab(way)
    let device = try lab.virtio(lab.disk(), .version1)
    #expect(throws: BusError.refused(.notSupported)) {
      _ = try Ring(0, .ioq(8, .toDevice), of: device.connection)
    }
  }

  @Test("A ring that is larger than the device takes is refused", arguments: Way.all)
  func tooLarge(way: Way) throws {
    let lab = try BusLab(way)
    let device = try lab.virtio(lab.rng(), .version1)
    let isRefused = (try? Ring(0, .virtqueue(2048), of: device.connection)) == nil
    if isRefused { return }
    // A vhost-user device says so when the ring shall start.
    #expect(throws: BusError.refused(.invalid)) { try device.start() }
  }
}
