import LinuxSystem
import Testing
import VbusClient
import VbusLink
import Virtio

private func client(
  _ host: Host, queues: [Int] = [], ownBells: Bool = true
) throws -> BusClient {
  try BusClient(connector(host, queues: queues, ownBells: ownBells))
}

@Suite("A client lists devices", .timeLimit(.minutes(1)))
struct ListTests {
  @Test("All that are there, however few the host tells at a time", arguments: [1, 7, 1000])
  func all(_ eventsAtOnce: Int) throws {
    var behaviour = Host.Behaviour()
    behaviour.devices = (0..<300).map { ($0, "virtual-ethernet") }
    behaviour.eventsAtOnce = eventsAtOnce
    let host = try Host(behaviour)
    let found = try client(host).devices()
    #expect(found.map(\.id) == Array(0..<300))
  }

  @Test("Of a host that does not know the question, those that came before its answer")
  func olderHost() throws {
    var behaviour = Host.Behaviour()
    behaviour.refuses[.untold] = .notImplemented
    let host = try Host(behaviour)
    #expect(try client(host).devices().map(\.id) == [0, 1])
  }

  @Test("None on an empty bus")
  func none() throws {
    var behaviour = Host.Behaviour()
    behaviour.devices = []
    let host = try Host(behaviour)
    #expect(try client(host).devices() == [])
  }

  @Test("Each is told once as an event, too")
  func events() throws {
    let host = try Host()
    let client = try client(host)
    _ = try client.devices()
    _ = try client.devices()
    let events = try (0..<3).map { _ in try client.nextEvent(milliseconds: 50) }
    #expect(
      events == [
        .deviceAdded(id: 0, type: "virtual-ethernet"), .deviceAdded(id: 1, type: "virtual-disk"),
        nil,
      ])
  }

  @Test("A host that died has none")
  func dead() throws {
    let host = try Host()
    let client = try client(host)
    host.tell(.end)
    #expect(throws: BusError.disconnected) {
      for _ in 0..<1000 { _ = try client.devices() }
    }
  }
}

@Suite("A client drives a network card", .timeLimit(.minutes(1)))
struct CardTests {
  struct Way: CustomTestStringConvertible, Sendable {
    var format: RingFormat
    var ownBells: Bool
    var queues: [Int] = []
    var testDescription: String { "\(format), own bells \(ownBells), event queues \(queues)" }
  }

  static let ways = [
    Way(format: .ioq, ownBells: true), Way(format: .ioq, ownBells: false),
    Way(format: .virtqueue, ownBells: true), Way(format: .virtqueue, ownBells: false),
    Way(format: .ioq, ownBells: false, queues: [4]),
  ]

  @Test("Frames come back as they were sent", arguments: ways)
  func echo(_ way: Way) throws {
    let host = try Host()
    let card = try card(host, way)
    try card.linkUp()
    var wrong = 0
    for number in 0..<200 {
      let frame = [UInt8](repeating: UInt8(number % 251), count: 60 + number)
      guard try card.send(frame), try card.receive(milliseconds: 2000) == frame else {
        wrong += 1
        continue
      }
    }
    #expect(wrong == 0)
  }

  private func card(_ host: Host, _ way: Way) throws -> VenetDevice {
    let client = try client(host, queues: way.queues, ownBells: way.ownBells)
    var shape = VenetDevice.Shape()
    shape.entries = 16
    shape.format = way.format
    return try VenetDevice(client.open(0), shape)
  }

  @Test("Its address and features are asked for")
  func calls() throws {
    let host = try Host()
    let card = try card(host, Self.ways[0])
    #expect(try card.macAddress() == HostDevice.mac)
    #expect(try card.negotiate(group: 0, 3) == 1)
  }

  @Test("As many frames as it has room for are sent; one more is not")
  func full() throws {
    let host = try Host()
    let card = try card(host, Self.ways[0])
    let sent = try (0..<17).map { _ in try card.send([1, 2, 3]) }
    #expect(sent == Array(repeating: true, count: 16) + [false])
  }

  @Test("A frame that is too long is not sent")
  func tooLong() throws {
    let host = try Host()
    let card = try card(host, Self.ways[0])
    #expect(try !card.send([UInt8](repeating: 0, count: 20_000)))
  }

  @Test("Without a frame, receiving ends in time")
  func quiet() throws {
    let host = try Host()
    let card = try card(host, Self.ways[0])
    try card.linkUp()
    #expect(try card.receive(milliseconds: 30) == nil)
  }

  @Test("A host that dies while a frame is waited for is noticed", arguments: ways)
  func dies(_ way: Way) throws {
    let host = try Host()
    let card = try card(host, way)
    try card.linkUp()
    _ = try card.receive(milliseconds: 10)
    host.tell(.end)
    #expect(throws: BusError.disconnected) { try card.receive(milliseconds: -1) }
  }

  @Test(
    "A host that claims to have written more than there was room for is not believed",
    arguments: [ways[0], ways[2]])
  func overfilled(_ way: Way) throws {
    var behaviour = Host.Behaviour()
    behaviour.written = 10_000
    let host = try Host(behaviour)
    let card = try card(host, way)
    try card.linkUp()
    _ = try card.send([1, 2, 3])
    #expect(throws: BusError.ring(.overfilled(0))) { try card.receive(milliseconds: 2000) }
  }

  @Test("A second driver of one card is refused")
  func second() throws {
    let host = try Host()
    let client = try client(host)
    _ = try client.open(0)
    #expect(throws: BusError.refused(.busy)) { try client.open(0) }
  }
}

@Suite("A client drives a disk", .timeLimit(.minutes(1)))
struct DiskTests {
  @Test("Bytes are read from any place", arguments: [(0, 512), (5, 10), (511, 2), (1000, 200_000)])
  func read(_ offset: UInt64, _ count: Int) throws {
    let host = try Host()
    let disk = try VirtioDisk(client(host).open(1))
    let bytes = try disk.read(offset: offset, count: count)
    #expect(bytes == (0..<UInt64(count)).map { HostDevice.byte(offset + $0) })
  }

  @Test("Its size is what its configuration space says")
  func capacity() throws {
    let host = try Host()
    let disk = try VirtioDisk(client(host).open(1))
    #expect(disk.capacity == HostDevice.sectors * 512)
  }

  @Test("What is behind the end is refused")
  func behind() throws {
    let host = try Host()
    let disk = try VirtioDisk(client(host).open(1))
    #expect(throws: BusError.refused(.invalid)) {
      try disk.read(offset: disk.capacity - 1, count: 2)
    }
  }

  @Test("A request that was not answered in time is no answer to the next one")
  func late() throws {
    let host = try Host()
    let disk = try VirtioDisk(client(host).open(1))
    host.tellAndWait(.hold(true))
    #expect(throws: BusError.timedOut) { try disk.read(offset: 0, count: 512, milliseconds: 20) }
    host.tellAndWait(.hold(false))
    for sector in 1..<4 as Range<UInt64> {
      let bytes = try disk.read(offset: sector * 512, count: 512)
      #expect(bytes == (0..<512).map { HostDevice.byte(sector * 512 + $0) })
    }
  }

  @Test("A device that is no disk is refused")
  func noDisk() throws {
    let host = try Host()
    #expect(throws: BusError.refused(.noDevice)) { try VirtioDisk(client(host).open(0)) }
  }

  @Test("A configuration space that is read-only stays as it is")
  func readOnly() throws {
    let host = try Host()
    let device = try VirtioDevice(client(host).open(1))
    #expect(throws: BusError.refused(.readOnly)) { try device.setConfiguration(offset: 0, [1]) }
  }

  @Test("Features that are not offered are not negotiated")
  func features() throws {
    let host = try Host()
    let device = try VirtioDevice(client(host).open(1))
    #expect(try device.negotiate([.version1, .packedRing]) == .version1)
  }

  @Test("A queue begins anew after a reset")
  func reset() throws {
    let host = try Host()
    let client = try client(host)
    let device = try VirtioDevice(client.open(1))
    let memory = try client.makeMemory(byteCount: 1 << 16)
    let queue = try device.makeQueue(0, .virtqueue(8), in: memory)
    let buffer = try #require(memory.allocate(16))
    let posted = try queue.post(buffer.segment(isWritable: true), cookie: 1)
    try device.reset()
    try queue.restart()
    #expect(posted)
    #expect(queue.room == 8)
  }
}

@Suite("A client hears of changes", .timeLimit(.minutes(1)))
struct ChangeTests {
  private func changes(_ host: Host, ownBells: Bool) throws -> ClientSignal {
    let client = try client(host, ownBells: ownBells)
    let device = try VirtioDevice(client.open(1))
    return try device.configurationChanges(in: client.makeMemory(byteCount: 4096))
  }

  @Test("A burst of them is heard of once", arguments: [true, false])
  func burst(_ ownBells: Bool) throws {
    let host = try Host()
    let changes = try changes(host, ownBells: ownBells)
    let before = try changes.wait(milliseconds: 10)
    for _ in 0..<10 { host.tellAndWait(.change) }
    let heard = try (0..<2).map { _ in try changes.wait(milliseconds: 50) }
    #expect(!before)
    #expect(heard == [true, false])
  }

  @Test("One that comes while the last is looked at is heard of as well", arguments: [true, false])
  func meanwhile(_ ownBells: Bool) throws {
    let host = try Host()
    let changes = try changes(host, ownBells: ownBells)
    let heard = try (0..<20).map { _ in
      host.tellAndWait(.change)
      return try changes.wait(milliseconds: 2000)
    }
    #expect(heard == Array(repeating: true, count: 20))
  }

  @Test("A signal outside of its memory is refused", arguments: [1, 4, 4096, UInt32.max])
  func outside(_ offset: UInt32) throws {
    let host = try Host()
    let client = try client(host)
    let memory = try client.makeMemory(byteCount: 4096)
    let device = try client.open(1)
    let wish = ShareWish(
      id: 7, memory: memory.memory, offset: 0, byteCount: 16, signalOffset: offset)
    #expect(throws: BusError.refused(.invalid)) { try device.shareWithSignal(wish) }
  }
}

@Suite("A queue", .timeLimit(.minutes(1)))
struct QueueTests {
  private func queue(_ shape: QueueShape) throws -> (Host, ClientMemory, ClientQueue) {
    let host = try Host()
    let client = try client(host)
    let memory = try client.makeMemory(byteCount: 1 << 18)
    let queue = try client.open(0).makeQueue(0, shape, in: memory)
    return (host, memory, queue)
  }

  @Test(
    "Of a size that no ring has is refused",
    arguments: [
      QueueShape.ioq(0, .toDevice), .ioq(2049, .toDevice), .ioq(-1, .toDevice), .virtqueue(3),
      .virtqueue(0), .virtqueue(65536),
    ])
  func size(_ shape: QueueShape) {
    #expect(throws: BusError.refused(.invalid)) { try queue(shape) }
  }

  @Test("That the memory has no room for is refused")
  func noRoom() {
    #expect(throws: BusError.noRoom) { try queue(.virtqueue(32768)) }
  }

  @Test("That is shared already is refused, and takes no memory")
  func twice() throws {
    let host = try Host()
    let client = try client(host)
    let memory = try client.makeMemory(byteCount: 8192)
    let device = try client.open(0)
    _ = try device.makeQueue(0, .ioq(100, .toDevice), in: memory)
    for _ in 0..<10 {
      #expect(throws: BusError.refused(.exists)) {
        try device.makeQueue(0, .ioq(100, .toDevice), in: memory)
      }
    }
    #expect(memory.allocate(4096) != nil)
  }

  @Test("An ioq takes no chain, and no buffer that goes the other way")
  func wrongChain() throws {
    let (host, memory, queue) = try queue(.ioq(4, .toDevice))
    let buffer = try #require(memory.allocate(64))
    let (out, back) = (buffer.segment(isWritable: false), buffer.segment(isWritable: true))
    #expect(throws: BusError.refused(.invalid)) { try queue.post([out, out], cookie: 0) }
    #expect(throws: BusError.refused(.invalid)) { try queue.post(back, cookie: 0) }
    withExtendedLifetime(host) {}
  }

  @Test("A virtqueue takes no chain in the wrong order, of none, or longer than itself")
  func wrongOrder() throws {
    let (host, memory, queue) = try queue(.virtqueue(4))
    let buffer = try #require(memory.allocate(64))
    let (out, back) = (buffer.segment(isWritable: false), buffer.segment(isWritable: true))
    for chain in [[back, out], [], Array(repeating: out, count: 5)] {
      #expect(throws: BusError.refused(.invalid)) { try queue.post(chain, cookie: 0) }
    }
    withExtendedLifetime(host) {}
  }

  @Test(
    "That is full takes no more", arguments: [QueueShape.ioq(4, .toDevice), .virtqueue(4)])
  func full(_ shape: QueueShape) throws {
    let (host, memory, queue) = try queue(shape)
    let buffer = try #require(memory.allocate(64))
    let posted = try (0..<5).map {
      try queue.post(buffer.segment(isWritable: false), cookie: $0)
    }
    #expect(posted == [true, true, true, true, false])
    #expect(queue.room == 0)
    withExtendedLifetime(host) {}
  }

  @Test("With nothing to reap, waiting ends in time")
  func wait() throws {
    let (host, _, queue) = try queue(.ioq(4, .toDevice))
    #expect(try !queue.wait(milliseconds: 20))
    #expect(try queue.reap() == nil)
    withExtendedLifetime(host) {}
  }
}

@Suite("A client's memory")
struct MemoryTests {
  private func memory(_ byteCount: Int = 4096) throws -> ClientMemory {
    ClientMemory(try BusMemory(at: 1 << 32, byteCount: byteCount))
  }

  @Test("Buffers do not overlap, and begin where they have to")
  func apart() throws {
    let memory = try memory()
    let buffers = [1, 100, 16, 33].compactMap { memory.allocate($0, alignment: 64) }
    let ends = buffers.map { $0.offset + $0.byteCount }
    #expect(buffers.map { $0.offset % 64 } == [0, 0, 0, 0])
    #expect(zip(ends, buffers.dropFirst()).allSatisfy { $0 <= $1.offset })
  }

  @Test("What is given back can be taken again, all in one")
  func again() throws {
    let memory = try memory()
    let buffers = (0..<256).compactMap { _ in memory.allocate(16) }
    let isFull = memory.allocate(1) == nil
    for buffer in buffers.shuffled() { memory.deallocate(buffer) }
    #expect(buffers.count == 256)
    #expect(isFull)
    #expect(memory.allocate(4096) != nil)
  }

  @Test("What there is no room for is nil", arguments: [0, -1, 4097, Int.max])
  func none(_ byteCount: Int) throws {
    #expect(try memory().allocate(byteCount) == nil)
  }

  @Test("An alignment that is none is nil", arguments: [0, -16, 24, Int.max, 8192])
  func alignment(_ alignment: Int) throws {
    #expect(try memory().allocate(16, alignment: alignment) == nil)
  }

  @Test("Nothing is given back twice, nor what was never taken")
  func twice() throws {
    let (memory, other) = (try memory(), try memory(8192))
    let buffer = try #require(memory.allocate(64))
    let foreign = try #require(other.allocate(128))
    let answers = [
      memory.deallocate(foreign), memory.deallocate(buffer), memory.deallocate(buffer),
    ]
    #expect(answers == [false, true, false])
  }

  @Test("A buffer holds what was written to it, and nothing longer than itself")
  func bytes() throws {
    let memory = try memory()
    let buffer = try #require(memory.allocate(4))
    let answers = [memory.set([1, 2, 3, 4], in: buffer), memory.set([0, 0, 0, 0, 0], in: buffer)]
    #expect(answers == [true, false])
    #expect(memory.bytes(of: buffer) == [1, 2, 3, 4])
    #expect(memory.bytes(of: buffer, count: 9) == [1, 2, 3, 4])
  }

  @Test("A buffer that was given back is empty")
  func gone() throws {
    let memory = try memory()
    let buffer = try #require(memory.allocate(4))
    memory.deallocate(buffer)
    #expect(memory.bytes(of: buffer) == [])
    #expect(!memory.set([1], in: buffer))
  }
}
