import Devices
import Engine
import LinuxSystem
import RingDriver
import SharedMemory
import Testing
import Vbus
import VbusLink
import Virtio

@Suite("No packet header makes a card believe it")
struct HostilePacketTests {
  /// A header that lies, and why.
  struct Lie: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let change: @Sendable (inout Packet) -> Void

    init(_ description: String, _ change: @escaping @Sendable (inout Packet) -> Void) {
      testDescription = description
      self.change = change
    }
  }

  static let lies = [
    Lie("no parts") { $0.partCount = 0 },
    Lie("more parts than there may be") { $0.partCount = 65 },
    Lie("more parts than the descriptor holds") { $0.partCount = 3 },
    Lie("parts beyond counting") { $0.partCount = .max },
    Lie("a byte more than the parts have") { $0.byteCount += 1 },
    Lie("a byte less than the parts have") { $0.byteCount -= 1 },
    Lie("no bytes") { $0.byteCount = 0 },
    Lie("4 GiB") { $0.byteCount = Int(UInt32.max) },
    Lie("a large frame that is not negotiated") {
      $0 = $0.with(TCPFrame().header(cutTo: 100))
      $0.segmentation = 1
    },
    Lie("segmentation that nobody knows") {
      $0 = $0.with(TCPFrame().header(cutTo: 100))
      $0.segmentation = 3
    },
    Lie("segmentation without a checksum") {
      $0 = $0.with(TCPFrame().header(cutTo: 100))
      $0.flags = VenetPacket.Flags.isSegmented
    },
    Lie("segments of no bytes") {
      $0 = $0.with(TCPFrame().header(cutTo: 0)); $0.flags = 3
    },
    Lie("headers longer than the frame") {
      $0 = $0.with(TCPFrame().header(cutTo: 100))
      $0.headerByteCount = .max
    },
    Lie("a checksum behind the frame") {
      $0 = $0.with(TCPFrame().checksumHeader)
      $0.checksumStart = .max
    },
    Lie("a checksum that begins in the frame and ends behind it") {
      $0 = $0.with(TCPFrame().checksumHeader)
      $0.checksumOffset = UInt16($0.byteCount) - $0.checksumStart - 1
    },
    Lie("a checksum in the Ethernet header") {
      $0 = $0.with(TCPFrame().checksumHeader)
      $0.checksumStart = 0
    },
  ]

  @Test("A frame whose header lies is an error, its chain is back, others pass", arguments: lies)
  func lying(_ lie: Lie) throws {
    let card = try NativeCard().scattered()
    var packet = Packet(TCPFrame().bytes, cutAfter: [20], in: card.memory)
    lie.change(&packet)
    #expect(try card.send(packet.bytes))
    #expect(card.counter(.txErrors) == 1)
    try card.send(Packet(frame(to: 9, from: 1), in: card.memory).bytes)
    #expect(try card.packets().map(\.frame) == [frame(to: 9, from: 1)])
  }

  @Test("A descriptor too short for a header is an error", arguments: [0, 1, 31, 32, 47])
  func shortDescriptor(_ count: Int) throws {
    let card = try NativeCard().scattered()
    let packet = Packet(frame(to: 9, from: 1), in: card.memory)
    #expect(try card.send(Array(packet.bytes.prefix(count))))
    #expect(card.counter(.txErrors) == 1)
  }

  @Test("A frame too short or longer than the MTU's is an error", arguments: [13, 1519, 65_553])
  func length(_ count: Int) throws {
    let card = try NativeCard().scattered()
    #expect(try card.send(Packet(pattern(count), in: card.memory).bytes))
    #expect(card.counter(.txErrors) == 1)
  }

  @Test(
    "Large frames of a kind that was not negotiated are errors",
    arguments: [VenetScatterGather.scatterGather, [.scatterGather, .tso6]])
  func notNegotiated(_ bits: VenetScatterGather) throws {
    let card = try NativeCard().scattered(bits)
    let tcp = TCPFrame()
    try card.send(Packet(tcp.bytes, in: card.memory).with(tcp.header(cutTo: 100)).bytes)
    #expect(card.counter(.txErrors) == 1)
  }

  @Test("Parts of 4 GiB each are no frame")
  func overflow() throws {
    let card = try NativeCard().scattered()
    let huge = Segment(address: GuestAddress(0), count: .max, isWritable: false)
    for count in [1, 2, 64] {
      let parts = [Segment](repeating: huge, count: count)
      try card.send(Packet(parts).with { $0.byteCount = 64 }.bytes)
    }
    #expect(card.counter(.txErrors) == 3)
  }

  @Test(
    "A header outside of the guest's memory stops the queue", arguments: [0x10, UInt64.max - 47])
  func headerOutside(_ address: UInt64) throws {
    let card = try NativeCard().scattered()
    let nowhere = Segment(address: GuestAddress(address), count: 48, isWritable: false)
    #expect(throws: RingFault.self) { try card.send(nowhere) }
  }

  @Test("A header that ends outside of the guest's memory stops the queue")
  func headerDivided() throws {
    let card = try NativeCard().scattered()
    let end = card.memory.region.guestAddress + card.memory.region.byteCount
    let packet = Packet(frame(to: 9, from: 1), cutAfter: [4], in: card.memory)
    let place = card.memory.bytes.byteCount - 48
    card.memory.bytes.setBytes(Array(packet.bytes.prefix(48)), at: place)
    let buffer = Segment(address: GuestAddress(end - 48), count: 64, isWritable: false)
    #expect(throws: RingFault.self) { try card.send(buffer) }
  }

  @Test("A part outside of the guest's memory stops the queue", arguments: [0x10, UInt64.max - 9])
  func partOutside(_ address: UInt64) throws {
    let card = try NativeCard().scattered()
    let nowhere = Segment(address: GuestAddress(address), count: 64, isWritable: false)
    #expect(throws: RingFault.self) { try card.send(Packet([nowhere]).bytes) }
  }

  // MARK: Receiving

  @Test(
    "A receive header that is none is given back empty, costs a frame, and is in nobody's way",
    arguments: [0, 65, .max] as [UInt32])
  func noHeader(_ count: UInt32) throws {
    let card = try NativeCard().scattered()
    try card.send(Packet(frame(to: 9, from: 1), in: card.memory).bytes)
    try card.send(Packet(frame(to: 9, from: 1), in: card.memory).bytes)
    let part = card.memory.target(2048)
    let packet = Packet([part]).with { $0.partCount = count }
    card.lend(card.memory.source(packet.bytes), parts: [part])
    let came = try card.packets([[2048]])
    #expect(came.map(\.written) == [0, 48])
    #expect(came[1].frame == frame(to: 9, from: 1))
    #expect(card.counter(.rxErrors) == 1)
  }

  @Test("A receive header or part outside of the guest's memory stops the queue")
  func receiveOutside() throws {
    let nowhere = Segment(address: GuestAddress(0x10), count: 2048, isWritable: true)
    for isPart in [false, true] {
      let card = try NativeCard().scattered()
      try card.send(Packet(frame(to: 9, from: 1), in: card.memory).bytes)
      let buffer = isPart ? card.memory.source(Packet([nowhere]).bytes) : nowhere
      card.lend(buffer, parts: [])
      #expect(throws: RingFault.self) { try card.receive.serve(card.model, card.guest) }
    }
  }

  @Test("A part that lies over its own header changes nothing of where the frame goes")
  func overlap() throws {
    let card = try NativeCard().scattered()
    let sent = frame(to: 9, from: 1, [UInt8](repeating: 0xff, count: 80))
    try card.send(Packet(sent, in: card.memory).bytes)
    let start = card.memory.target(64)
    let behind = card.memory.target(64)
    card.memory.bytes.setBytes(
      Packet([start, behind]).bytes, at: card.memory.offset(of: start.address))
    card.lend(start, parts: [])
    try card.receive.serve(card.model, card.guest)
    #expect(try card.receive.reap().map(\.written) == [64])
    #expect(
      card.memory.content(of: behind) == Array(sent[64...]) + [UInt8](repeating: 0xee, count: 34))
  }

  @Test("Whatever a guest writes to its headers meanwhile, each is one that stood there")
  func changing() throws {
    let card = try NativeCard(["backend": "null"]).scattered()
    let memory = card.memory
    let sound = Packet(frame(to: 9, from: 1, pattern(100)), cutAfter: [20], in: memory)
    let buffer = memory.source(sound.bytes)
    let place = memory.offset(of: buffer.address)
    let lies = [sound.with { $0.partCount = .max }, sound.with { $0.byteCount = 65_000 }, sound]
    let mischief = Mischief()
    let thread = try mischief.begin(in: memory, lies.map { ($0.bytes, place) })
    defer { mischief.end() }
    for _ in 0..<5000 { try card.send(buffer) }
    mischief.end()
    thread.join()
    #expect(card.counter(.txPackets) + card.counter(.txErrors) == 5000)
    #expect(card.counter(.txBytes) == 114 * card.counter(.txPackets))
  }
}
