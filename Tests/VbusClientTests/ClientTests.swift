import LinuxSystem
import Testing
import VbusClient
import VbusLink
import Virtio

/// A client of a host.
func client(
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

  @Test("One that is closed leaves nothing, however often")
  func close() throws {
    let host = try Host()
    let client = try client(host)
    for _ in 0..<200 { try VenetDevice(client.open(0)).close() }
    #expect(try VenetDevice(client.open(0)).macAddress() == HostDevice.mac)
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

  @Test("One that is closed leaves nothing, however often")
  func close() throws {
    let host = try Host()
    let client = try client(host)
    for _ in 0..<200 { try VirtioDisk(client.open(1)).close() }
    #expect(try VirtioDisk(client.open(1)).read(offset: 0, count: 1) == [HostDevice.byte(0)])
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
