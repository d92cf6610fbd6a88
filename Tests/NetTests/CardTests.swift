import Devices
import Engine
import LinuxSystem
import TestSupport
import Testing
import Virtio

@Suite("A card serves its queues as VIRTIO 1.2 section 5.1 says")
struct CardTests {
  @Test("5.1.4: the configuration space tells address, state, pairs, MTU and speed")
  func space() throws {
    let card = try Card(["mtu": "9000", "speed": "10000"])
    let told: [UInt8] = [2, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0x28, 0x23, 0x10, 0x27, 0, 0, 1]
    #expect(Array(card.model.configuration.prefix(17)) == told)
  }

  @Test("An unknown speed is all ones, and not offered")
  func unknownSpeed() throws {
    let card = try Card()
    #expect(Array(card.model.configuration[12..<17]) == [0xff, 0xff, 0xff, 0xff, 0xff])
    #expect(!card.acked.contains(.netSpeedDuplex))
  }

  @Test("5.1.4: the driver writes no field")
  func readOnly() throws {
    #expect(try !Card().model.writeConfiguration(at: 0, [1, 2, 3, 4, 5, 6]))
  }

  @Test("A stream is offered no offload")
  func streamFeatures() throws {
    let (near, _) = try makeStreamPair()
    let card = try Card(["backend": "stream"], [near])
    #expect(card.acked.isDisjoint(with: .netOffloads))
  }

  @Test("Three queues are one pair and one for commands")
  func queues() throws {
    let card = try Card()
    #expect(card.model.queueCount == 3)
    #expect(card.model.queueNumber == 1)
  }

  @Test(
    "A card without sense or without its host side is refused",
    arguments: [
      ["mac": "02:00:00:00:00"], ["mac": "01:00:00:00:00:01"], ["mac": "02:00:00:00:00:0x"],
      ["mtu": "67"], ["mtu": "65522"], ["speed": "-1"], ["link": "sideways"],
      ["backend": "tap"], ["backend": "stream"], ["backend": "carrier pigeon"],
    ])
  func refused(_ values: [String: String]) {
    #expect(throws: ModelRefusal.self) { try Card(values) }
  }

  @Test("loopback brings every frame back")
  func loopback() throws {
    let card = try Card()
    try card.send(frame(to: 9, from: 1))
    #expect(try card.receive().map(\.frame) == [frame(to: 9, from: 1)])
    #expect(card.counter(.txPackets) == 1)
    #expect(card.counter(.txBytes) == 17)
    #expect(card.counter(.rxPackets) == 1)
    #expect(card.counter(.rxBytes) == 17)
  }

  @Test("null takes every frame and brings none")
  func null() throws {
    let card = try Card(["backend": "null"])
    try card.send(frame(to: 9, from: 1))
    #expect(try card.receive().isEmpty)
    #expect(card.counter(.txPackets) == 1)
  }

  @Test("2.7.4.1: a frame cut into single bytes is understood")
  func cut() throws {
    let card = try Card()
    let bytes = headerBytes(NetHeader()) + frame(to: 9, from: 1)
    try card.sendChain(bytes.map { card.memory.source([$0]) })
    #expect(try card.receive().map(\.frame) == [frame(to: 9, from: 1)])
  }

  @Test("5.1.6.4: a frame larger than a buffer is spread over as many as its header says")
  func merges() throws {
    let card = try Card()
    let sent = frame(to: 9, from: 1, pattern(1400))
    try card.send(sent)
    let received = try card.receive([500, 500, 500, 500])
    #expect(received.map(\.frame) == [sent])
    #expect(received.map(\.header.bufferCount) == [3])
  }

  @Test("Without MRG_RXBUF a frame takes one buffer, and 1 is said")
  func doesNotMerge() throws {
    let card = try Card(without: .netMergeableBuffers)
    try card.send(frame(to: 9, from: 1))
    #expect(try card.receive().map(\.header.bufferCount) == [1])
  }

  @Test("5.1.6.1: without VERSION_1 and MRG_RXBUF the header has ten bytes")
  func legacy() throws {
    let card = try Card(without: [.netMergeableBuffers, .version1])
    let sent = frame(to: 9, from: 1)
    try card.sendChain([card.memory.source([UInt8](repeating: 0, count: 10) + sent)])
    card.lend([2048])
    try card.serve(0)
    #expect(try card.drivers[0].reap()?.written == 27)
  }

  @Test("A frame that finds too few buffers waits for more")
  func waits() throws {
    let card = try Card()
    try card.send(frame(to: 9, from: 1, pattern(1400)))
    card.lend([500, 500])
    #expect(try card.serve(0) == .drained)
    #expect(try card.drivers[0].reap() == nil)
    #expect(try card.receive([500]).map(\.frame) == [frame(to: 9, from: 1, pattern(1400))])
  }

  @Test("Buffers for which there is no frame stay lent, and no kick is wanted")
  func idle() throws {
    let card = try Card()
    card.lend([2048])
    #expect(try card.serve(0) == .idle)
    #expect(try card.drivers[0].reap() == nil)
  }

  // MARK: Hostile frames

  @Test(
    "A frame shorter than an Ethernet header is counted and goes nowhere",
    arguments: [
      0, 1, 11, 12, 25,
    ])
  func tooShort(_ count: Int) throws {
    let card = try Card()
    try card.sendChain([card.memory.source([UInt8](repeating: 0, count: count))])
    #expect(try card.receive().isEmpty)
    #expect(card.counter(.txErrors) == 1)
  }

  @Test("A frame longer than any is counted and goes nowhere")
  func tooLong() throws {
    let card = try Card(without: .netMTU)
    let buffer = card.memory.source([UInt8](repeating: 0, count: 65_566))
    try card.sendChain([buffer])
    #expect(card.counter(.txErrors) == 1)
    try card.sendChain([buffer, buffer, buffer, buffer])
    #expect(card.counter(.txErrors) == 2)
  }

  @Test("A packet larger than the MTU that its driver knows is counted and goes nowhere")
  func largerThanMTU() throws {
    let card = try Card()
    try card.send(frame(to: 9, from: 1, pattern(1505)))
    #expect(card.counter(.txErrors) == 1)
    try card.send(frame(to: 9, from: 1, pattern(1504)))
    #expect(card.counter(.txPackets) == 1)
  }

  @Test("A lying header is counted and goes nowhere, and the next frame passes")
  func lyingHeader() throws {
    let card = try Card()
    var header = TCPFrame().checksumHeader
    header.checksumStart = 9999
    try card.send(TCPFrame().bytes, header)
    #expect(card.counter(.txErrors) == 1)
    try card.send(frame(to: 9, from: 1))
    #expect(try card.receive().count == 1)
  }

  @Test("A frame outside of the guest's memory stops the queue")
  func outside() throws {
    let card = try Card()
    #expect(throws: RingFault.self) {
      try card.sendChain([.init(address: .init(1 << 50), count: 100, isWritable: false)])
    }
  }

  @Test("Receive buffers too small for a header are no reason to stop", arguments: [0, 1, 11])
  func tinyBuffers(_ size: Int) throws {
    let card = try Card()
    try card.send(frame(to: 9, from: 1))
    #expect(try card.receive([size, size]).isEmpty)
    #expect(card.counter(.rxErrors) == 1)
  }

  @Test("Without MRG_RXBUF a frame that its buffer does not hold is counted and dropped")
  func smallBuffer() throws {
    let card = try Card(without: .netMergeableBuffers)
    try card.send(frame(to: 9, from: 1, pattern(1400)))
    try card.send(frame(to: 9, from: 1))
    #expect(try card.receive([500]).map(\.frame) == [frame(to: 9, from: 1)])
    #expect(card.counter(.rxErrors) == 1)
  }

  @Test(
    "5.1.4.1: a driver that knows the MTU is passed no larger packet",
    arguments: [1500: 1, 1504: 1, 1505: 0])
  func largeForReceiver(payload: Int, count: Int) throws {
    let host = try PlayedHost()
    let sender = try Card(["backend": "switch"], on: host, without: .netMTU)
    let receiver = try Card(["backend": "switch", "mac": mac(2)], on: host)
    try sender.send(frame(to: 2, from: 1, pattern(payload)))
    #expect(try receiver.receive().count == count)
    #expect(receiver.counter(.rxErrors) == UInt64(1 - count))
    try sender.send(frame(to: 2, from: 1))
    #expect(try receiver.receive().map(\.frame) == [frame(to: 2, from: 1)])
  }

  @Test("A large TCP frame passes a small MTU to a driver that takes such frames")
  func segmentedForReceiver() throws {
    let card = try Card(["mtu": "1000"])
    let large = TCPFrame(payload: pattern(3000))
    try card.send(large.bytes, large.header(cutTo: 900))
    #expect(try card.receive().map(\.frame) == [large.bytes])
  }

  @Test("A frame that a whole queue of small buffers does not hold is counted and dropped")
  func smallQueue() throws {
    let card = try Card()
    try card.send(frame(to: 9, from: 1, pattern(1400)))
    try card.send(frame(to: 9, from: 1))
    let received = try card.receive([Int](repeating: 12, count: 64))
    #expect(received.map(\.frame) == [frame(to: 9, from: 1)])
    #expect(card.counter(.rxErrors) == 1)
  }

  @Test("Receive buffers outside of the guest's memory stop the queue")
  func receiveOutside() throws {
    let card = try Card()
    try card.send(frame(to: 9, from: 1))
    _ = card.drivers[0].offer([.init(address: .init(1 << 50), count: 100, isWritable: true)])
    card.drivers[0].publish()
    #expect(throws: RingFault.self) { try card.serve(0) }
  }

  // MARK: Link and commands

  @Test("The link's state shows, and comes up with a wish to be announced")
  func link() throws {
    let card = try Card(["link": "down"])
    #expect(card.model.configuration[6] == 0)
    try card.model.update(["link": "up"], [])
    #expect(card.model.configuration[6] == 3)
    #expect(try card.command([3, 0]) == 0)
    #expect(card.model.configuration[6] == 1)
  }

  @Test("Without GUEST_ANNOUNCE nothing is to be announced")
  func linkWithoutAnnounce() throws {
    let card = try Card(["link": "down"], without: .netGuestAnnounce)
    try card.model.update(["link": "up"], [])
    #expect(card.model.configuration[6] == 1)
  }

  @Test("A link that goes down drops what waited, and what is sent")
  func linkGoesDown() throws {
    let card = try Card()
    try card.send(frame(to: 9, from: 1))
    try card.model.update(["link": "down"], [])
    try card.send(frame(to: 9, from: 1))
    try card.model.update(["link": "up"], [])
    #expect(try card.receive().isEmpty)
    #expect(card.counter(.txDropped) == 1)
  }

  @Test("A link that makes no sense changes nothing")
  func badLink() throws {
    let card = try Card()
    #expect(throws: ModelRefusal.self) { try card.model.update(["link": "half"], []) }
    #expect(card.model.configuration[6] == 1)
  }

  @Test(
    "Commands of features that are not offered fail",
    arguments: [
      [0, 0, 1], [1, 1, 2, 0, 0, 0, 0, 0], [4, 0, 1, 0], [3, 1], [3], [],
    ] as [[UInt8]])
  func unknownCommands(_ command: [UInt8]) throws {
    #expect(try Card().command(command) == 1)
  }

  @Test("A command without room for an answer stops the queue")
  func noAnswer() throws {
    let card = try Card()
    _ = card.drivers[2].offer([card.memory.source([3, 0])])
    card.drivers[2].publish()
    #expect(throws: RingFault.noRoomForAnswer) { try card.serve(2) }
  }
}
