import Devices
import Engine
import LinuxSystem
import SharedMemory
import Testing
import Vbus
import VbusLink
import Virtio

@Suite("With SG a descriptor of virtual-ethernet points to a header, and that to parts")
struct ScatteredFrameTests {
  // MARK: Layout

  @Test("A header with one part has 48 bytes")
  func byteCount() throws {
    #expect(VenetPacket.byteCount(parts: 1) == 48)
    let card = try NativeCard()
    #expect(Packet(frame(to: 9, from: 1), in: card.memory).bytes.count == 48)
  }

  // MARK: Sending

  @Test("A frame in parts is one frame", arguments: [[], [14], [1, 2, 3], [0, 12, 0, 2]])
  func parts(_ cuts: [Int]) throws {
    let card = try NativeCard().scattered()
    let sent = frame(to: 9, from: 1, pattern(300))
    #expect(try card.send(Packet(sent, cutAfter: cuts, in: card.memory).bytes))
    #expect(try card.packets().map(\.frame) == [sent])
    #expect(card.counter(.txBytes) == 314)
  }

  @Test("As many parts as there may be")
  func mostParts() throws {
    let card = try NativeCard().scattered()
    let sent = frame(to: 9, from: 1, pattern(50))
    let packet = Packet(sent, cutAfter: [Int](repeating: 1, count: 63), in: card.memory)
    try card.send(packet.bytes)
    #expect(try card.packets().map(\.frame) == [sent])
  }

  @Test("A descriptor may be longer than its header")
  func longDescriptor() throws {
    let card = try NativeCard().scattered()
    let packet = Packet(frame(to: 9, from: 1), in: card.memory)
    try card.send(packet.bytes + pattern(100))
    #expect(try card.packets().map(\.frame) == [frame(to: 9, from: 1)])
  }

  @Test("Flags that nobody knows are ignored")
  func unknownFlags() throws {
    let card = try NativeCard().scattered()
    let packet = Packet(frame(to: 9, from: 1), in: card.memory).with { $0.flags = 0xffff_fff8 }
    try card.send(packet.bytes)
    #expect(try card.packets().map(\.flags) == [0])
  }

  @Test("A large frame may have 64 KiB, one that is not to be cut only the MTU's")
  func large() throws {
    let card = try NativeCard(["backend": "null"]).scattered()
    let tcp = TCPFrame(payload: pattern(65_000))
    try card.send(Packet(tcp.bytes, in: card.memory).with(tcp.header(cutTo: 1460)).bytes)
    #expect(card.counter(.txPackets) == 1)
    try card.send(Packet(tcp.bytes, in: card.memory).with(tcp.checksumHeader).bytes)
    #expect(card.counter(.txErrors) == 1)
  }

  // MARK: Receiving

  @Test("The header tells the frame, and its descriptor is as long as the header")
  func header() throws {
    let card = try NativeCard().scattered()
    try card.send(Packet(frame(to: 9, from: 1), in: card.memory).bytes)
    let packet = try #require(try card.packets().first)
    #expect(packet.written == 48)
    #expect(packet.byteCount == 17)
    #expect(packet.flags == 0)
  }

  @Test("Parts are filled in order and shortened to what is in them")
  func fills() throws {
    let card = try NativeCard().scattered()
    let sent = frame(to: 9, from: 1, pattern(86))
    try card.send(Packet(sent, in: card.memory).bytes)
    let packet = try #require(try card.packets([[14, 0, 50, 100, 8]]).first)
    let lengths = (0..<5).map {
      number(packet.header, at: VenetPacket.byteCount(parts: $0), 4)
    }
    #expect(lengths == [14, 0, 50, 36, 0])
    #expect(packet.frame == sent)
    #expect(packet.written == VenetPacket.byteCount(parts: 5))
  }

  @Test("What came is a header that could be sent")
  func sendsOn() throws {
    let card = try NativeCard().scattered()
    let tcp = TCPFrame()
    try card.send(Packet(tcp.bytes, in: card.memory).with(tcp.checksumHeader).bytes)
    let packet = try #require(try card.packets([[100, 500, 100]]).first)
    try card.send(packet.header)
    #expect(try card.packets().map(\.frame) == [tcp.bytes])
    #expect(card.counter(.txErrors) == 0)
  }

  @Test("The cookie, the count and the addresses of a header stay as they were posted")
  func stays() throws {
    let card = try NativeCard().scattered()
    try card.send(Packet(frame(to: 9, from: 1), in: card.memory).bytes)
    let part = card.memory.target(2048)
    let packet = Packet([part]).with { $0.cookie = 0x0123_4567_89ab_cdef }
    let buffer = card.memory.source(packet.bytes)
    card.lend(buffer, parts: [part])
    try card.receive.serve(card.model, card.guest)
    let header = card.memory.content(of: buffer)
    #expect(number(header, at: 0, 8) == 0x0123_4567_89ab_cdef)
    #expect(number(header, at: VenetPacket.partCount, 4) == 1)
    #expect(number(header, at: 40, 8) == part.address.rawValue)
  }

  @Test("A checksum that was left out is left out, and the header says where it goes")
  func checksum() throws {
    let card = try NativeCard().scattered()
    let tcp = TCPFrame()
    try card.send(Packet(tcp.bytes, in: card.memory).with(tcp.checksumHeader).bytes)
    let packet = try #require(try card.packets().first)
    #expect(packet.flags == VenetPacket.Flags.needsChecksum)
    #expect(packet.checksum == [34, 16])
    #expect(packet.frame == tcp.bytes)
  }

  @Test("Where the administrator lets no checksum be left out, it is completed")
  func completed() throws {
    let all = FeatureBits(rawValue: .max)
    let card = try NativeCard(offered: all.subtracting(.netGuestChecksum)).scattered()
    let tcp = TCPFrame()
    try card.send(Packet(tcp.bytes, in: card.memory).with(tcp.checksumHeader).bytes)
    let packet = try #require(try card.packets().first)
    #expect(packet.flags == 0)
    #expect(tcpSum(packet.frame, network: 14, isVersion6: false) == 0xffff)
  }

  @Test("A large frame comes cut, for L4RO is not granted", arguments: [false, true])
  func cut(_ isVersion6: Bool) throws {
    let card = try NativeCard().scattered()
    let tcp = TCPFrame(isVersion6: isVersion6)
    try card.send(Packet(tcp.bytes, in: card.memory).with(tcp.header(cutTo: 100)).bytes)
    let frames = try card.packets().map(\.frame)
    #expect(frames.count == 3)
    #expect(frames.allSatisfy { tcpSum($0, network: 14, isVersion6: isVersion6) == 0xffff })
  }

  @Test("A frame that the parts do not hold is an error, and the header stays")
  func small() throws {
    let card = try NativeCard().scattered()
    try card.send(Packet(frame(to: 9, from: 1, pattern(100)), in: card.memory).bytes)
    try card.send(Packet(frame(to: 9, from: 1), in: card.memory).bytes)
    #expect(try card.packets([[10, 20]]).map(\.frame) == [frame(to: 9, from: 1)])
    #expect(card.counter(.rxErrors) == 1)
  }

  @Test("Frames wait for headers")
  func waits() throws {
    let card = try NativeCard().scattered()
    try card.send(Packet(frame(to: 9, from: 1), in: card.memory).bytes)
    #expect(try card.receive.serve(card.model, card.guest) == .drained)
    #expect(try card.packets().count == 1)
  }
}
