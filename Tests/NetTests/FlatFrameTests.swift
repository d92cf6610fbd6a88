import Devices
import Engine
import LinuxSystem
import SharedMemory
import TestSupport
import Testing
import Vbus
import Virtio

@Suite("Without SG a descriptor of virtual-ethernet points to one flat frame")
struct FlatFrameTests {
  @Test("A frame goes out and comes in without a header")
  func both() throws {
    let card = try NativeCard().flat()
    #expect(try card.send(frame(to: 9, from: 1)))
    #expect(try card.frames() == [frame(to: 9, from: 1)])
    #expect(card.counter(.txBytes) == 17)
    #expect(card.counter(.rxBytes) == 17)
  }

  @Test("The largest frame of the MTU goes, with a VLAN tag", arguments: [1500, 9000])
  func largest(_ mtu: Int) throws {
    let card = try NativeCard(["mtu": "\(mtu)"]).flat()
    let sent = frame(to: 9, from: 1, pattern(mtu + 4))
    try card.send(sent)
    #expect(try card.frames([mtu + 18]) == [sent])
  }

  @Test(
    "A frame too short or too long is counted as an error, and given back",
    arguments: [0, 1, 13, 1519, 65_553, 70_000])
  func length(_ count: Int) throws {
    let card = try NativeCard().flat()
    #expect(try card.send(pattern(count)))
    #expect(card.counter(.txErrors) == 1)
    try card.send(frame(to: 9, from: 1))
    #expect(try card.frames() == [frame(to: 9, from: 1)])
  }

  @Test("A buffer outside of the guest's memory stops the transmit queue")
  func outside() throws {
    let card = try NativeCard().flat()
    let nowhere = Segment(address: GuestAddress(0x10), count: 64, isWritable: false)
    #expect(throws: RingFault.self) { try card.send(nowhere) }
  }

  @Test("A buffer outside of the guest's memory stops the receive queue")
  func outsideReceiving() throws {
    let card = try NativeCard().flat()
    try card.send(frame(to: 9, from: 1))
    let nowhere = Segment(address: GuestAddress(0x10), count: 2048, isWritable: true)
    card.lend(nowhere, parts: [])
    #expect(throws: RingFault.self) { try card.receive.serve(card.model, card.guest) }
  }

  @Test("A frame that the next buffer does not hold is an error, and the buffer stays")
  func small() throws {
    let card = try NativeCard().flat()
    try card.send(frame(to: 9, from: 1, pattern(100)))
    try card.send(frame(to: 9, from: 1))
    #expect(try card.frames([64, 64]) == [frame(to: 9, from: 1)])
    #expect(card.counter(.rxErrors) == 1)
  }

  @Test("Frames wait for buffers")
  func waits() throws {
    let card = try NativeCard().flat()
    try card.send(frame(to: 9, from: 1))
    #expect(try card.receive.serve(card.model, card.guest) == .drained)
    #expect(try card.frames() == [frame(to: 9, from: 1)])
    #expect(try card.receive.serve(card.model, card.guest) == .idle)
  }

  @Test("While the cable is out frames are dropped and given back")
  func cable() throws {
    let card = try NativeCard().flat()
    try card.model.update(["link": "down"], [])
    #expect(try card.send(frame(to: 9, from: 1)))
    #expect(card.counter(.txDropped) == 1)
    try card.model.update(["link": "up"], [])
    #expect(try card.frames().isEmpty)
  }

  @Test("Frames for a card whose link is down are not kept")
  func linkDown() throws {
    let host = try PlayedHost()
    let cards = try (1...2).map {
      try NativeCard(["backend": "switch", "mac": mac(UInt8($0))], on: host)
    }
    try cards[0].call(.linkUp)
    try cards[0].send(frame(to: 2, from: 1))
    try cards[1].call(.linkUp)
    #expect(try cards[1].frames().isEmpty)
    try cards[0].send(frame(to: 2, from: 1))
    #expect(try cards[1].frames() == [frame(to: 2, from: 1)])
  }

  @Test("A stream carries flat frames of a native client")
  func stream() throws {
    let (near, far) = try makeStreamPair()
    let card = try NativeCard(["backend": "stream"], [near]).flat()
    let sent = frame(to: 9, from: 1)
    try card.send(sent)
    #expect(try read(far, upTo: 100) == [0, 0, 0, 17] + sent)
    try write([0, 0, 0, 17] + sent, to: far)
    #expect(try card.host.awaitWake(of: 0))
    #expect(try card.frames() == [sent])
  }

  @Test("A virtio driver finds its header in front of frames in an ioq")
  func virtio() throws {
    let card = try NativeCard()
    card.model.negotiated(FeatureBits([.version1, .netMAC]).rawValue)
    let sent = frame(to: 9, from: 1)
    try card.send([UInt8](repeating: 0, count: 12) + sent)
    let header = [UInt8](repeating: 0, count: 10) + [1, 0]
    #expect(try card.frames() == [header + sent])
  }
}
