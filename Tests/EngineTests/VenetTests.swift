import EngineLink
import LinuxSystem
import Testing
import Vbus
import VbusClient
import VbusLink
import Virtio

@Suite("Native clients drive a card of the shipped engine by its own interface", .serialized)
struct VenetTests {
  private let lab: EngineLab
  private let client: BusClient
  private let frame: [UInt8] = [2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 0x88, 0xb5, 1, 2, 3]

  init() throws {
    lab = try EngineLab()
    try lab.openBus()
    client = try lab.client()
  }

  private func little(_ numbers: UInt32...) -> [UInt8] {
    var writer = WireWriter()
    for number in numbers { writer.put(number) }
    return writer.bytes
  }

  @Test("A frame goes out and comes back, flat")
  func flat() throws {
    let card = try VenetDevice(client.open(lab.nativeCard().id))
    try card.linkUp()
    #expect(try card.send(frame))
    #expect(try card.receive(milliseconds: 5000) == frame)
  }

  @Test("The card tells its address and what the administrator lets through")
  func negotiates() throws {
    let host = try lab.nativeCard(offered: ~(1 << 11))
    let card = try VenetDevice(client.open(host.id))
    #expect(try card.macAddress() == [2, 0, 0, 0, 0, 1])
    #expect(try card.negotiate(group: 0, .max) == 13)
  }

  @Test("LINKUP before there are queues is EINVAL, a second one EEXIST, LINKDOWN ENOENT")
  func refusals() throws {
    let device = try client.open(lab.nativeCard().id)
    #expect(throws: BusError.refused(.invalid)) { try device.call(VenetFunction.linkUp.rawValue) }
    let card = try VenetDevice(device)
    #expect(throws: BusError.refused(.noEntry)) { try card.linkDown() }
    try card.linkUp()
    #expect(throws: BusError.refused(.exists)) { try card.linkUp() }
    #expect(throws: BusError.refused(.invalid)) { try card.negotiate(group: 0, 1) }
  }

  @Test("Frames that were posted go before the link is down")
  func linkDown() throws {
    let host = try lab.nativeCard(950, ["backend": "null"])
    let card = try VenetDevice(client.open(host.id))
    try card.linkUp()
    for _ in 0..<100 { #expect(try card.send(frame)) }
    try card.linkDown()
    #expect(try card.flush(milliseconds: 0))
    #expect(host.record.counters.relaxed64(at: 8 * 4) == 100)
  }

  @Test("Whoever uses the own functions is refused virtio's, and the other way round: EBUSY")
  func eitherInterface() throws {
    let device = try client.open(lab.nativeCard().id)
    let virtio = try VirtioDevice(device)
    let card = try VenetDevice(device)
    try card.linkUp()
    #expect(throws: BusError.refused(.busy)) { try virtio.setStatus([.acknowledge]) }
    try card.linkDown()
    try virtio.setStatus([.acknowledge])
    #expect(throws: BusError.refused(.busy)) { try card.linkUp() }
  }

  @Test("A new engine goes on with the link, whatever waits")
  func goesOn() throws {
    let card = try VenetDevice(client.open(lab.nativeCard().id))
    try card.linkUp()
    #expect(try card.send(frame))
    #expect(try card.receive(milliseconds: 5000) == frame)
    try lab.killEngine()
    #expect(try card.send(frame))
    #expect(try card.receive(milliseconds: 10_000) == frame)
    #expect(throws: BusError.refused(.exists)) { try card.linkUp() }
  }

  @Test("Two clients on one switch hear each other")
  func twoClients() throws {
    let hosts = try (1...2).map {
      try lab.nativeCard(950 + $0, ["backend": "switch", "mac": "02:00:00:00:00:0\($0)"])
    }
    let cards = try hosts.map { try VenetDevice(client.open($0.id)) }
    for card in cards { try card.linkUp() }
    let there: [UInt8] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5, 1]
    #expect(try cards[0].send(there))
    #expect(try cards[1].receive(milliseconds: 5000) == there)
  }

  // MARK: Events

  /// A card that negotiated the state of its link, with its event queue, of four entries.
  private func telling(_ id: UInt32, poolEntries: UInt32 = 4) throws -> (VenetDevice, ClientQueue) {
    let device = try client.open(id)
    let card = try VenetDevice(device)
    #expect(try card.negotiate(group: 1, 1) == 1)
    let query = try device.call(VenetFunction.queryEvents.rawValue, little(0, 0, 0, 0))
    #expect(query == little(0, 24, 100, 101))
    let memory = try client.makeMemory(byteCount: 1 << 16)
    let pool = try #require(memory.allocate(Int(24 * poolEntries)))
    _ = try device.share(
      ShareWish(
        id: 100, memory: memory.memory, offset: pool.offset, byteCount: 24 * poolEntries))
    let queue = try device.makeQueue(101, .ioq(4, .fromDevice), in: memory)
    for index in 0..<4 {
      let place = ClientBuffer(
        address: pool.address + UInt64(24 * index), offset: pool.offset + 24 * index,
        byteCount: 24)
      #expect(try queue.post(place.segment(isWritable: true), cookie: 0))
    }
    try queue.publish()
    return (card, queue)
  }

  @Test("Who asked for it hears where the cable is")
  func linkState() throws {
    var host = try lab.nativeCard()
    let (card, queue) = try telling(host.id)
    try card.linkUp()
    host.offer.values["link"] = "down"
    try lab.serve(host)
    #expect(try queue.wait(milliseconds: 5000))
    #expect(try queue.reap()?.written == 16)
    #expect(try queue.reap() == nil)
  }

  @Test("A pool that is not a place for each entry: EINVAL", arguments: [3, 5] as [UInt32])
  func poolSize(_ entries: UInt32) throws {
    let (card, _) = try telling(lab.nativeCard().id, poolEntries: entries)
    #expect(throws: BusError.refused(.invalid)) { try card.linkUp() }
  }
}
