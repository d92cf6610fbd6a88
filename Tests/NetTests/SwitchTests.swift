import Devices
import Engine
import LinuxSystem
import TestSupport
import Testing
import Virtio

@Suite("The switch devices of a container are one Ethernet segment")
struct SwitchTests {
  /// Three cards on one switch, at stations 1, 2 and 3.
  private func cards(
    _ values: [String: String] = [:], without masked: FeatureBits = []
  ) throws -> [Card] {
    let host = try PlayedHost()
    return try (1...3).map { number in
      let own = ["backend": "switch", "mac": mac(UInt8(number))]
      return try Card(
        number == 2 ? own.merging(values) { $1 } : own, on: host,
        without: number == 2 ? masked : [])
    }
  }

  @Test("A frame for a card's address goes to that card alone")
  func unicast() throws {
    let cards = try cards()
    try cards[0].send(frame(to: 2, from: 1))
    #expect(try cards[1].receive().map(\.frame) == [frame(to: 2, from: 1)])
    #expect(try cards[2].receive().isEmpty)
    #expect(try cards[0].receive().isEmpty)
  }

  @Test("A frame for everybody goes to all others", arguments: [0xff, 9] as [UInt8])
  func flood(_ destination: UInt8) throws {
    let cards = try cards()
    let sent = frame(to: destination, from: 1)
    try cards[0].send(sent)
    #expect(try cards.map { try $0.receive().map(\.frame) } == [[], [sent], [sent]])
  }

  @Test("A station that was heard gets its frames where it was heard")
  func learns() throws {
    let cards = try cards()
    try cards[1].send(frame(to: 0xff, from: 77))
    _ = try cards[2].receive()
    try cards[0].send(frame(to: 77, from: 1))
    #expect(try cards[1].receive().map(\.frame) == [frame(to: 77, from: 1)])
    #expect(try cards[2].receive().isEmpty)
  }

  @Test("Nobody takes another card's address by sending from it")
  func spoof() throws {
    let cards = try cards()
    try cards[2].send(frame(to: 1, from: 2))
    try cards[0].send(frame(to: 2, from: 1))
    #expect(try cards[1].receive().count == 1)
    #expect(try cards[2].receive().isEmpty)
  }

  @Test("A frame for its own sender goes nowhere")
  func own() throws {
    let cards = try cards()
    try cards[0].send(frame(to: 1, from: 1))
    #expect(try cards.flatMap { try $0.receive() }.isEmpty)
  }

  @Test("A card whose link is down gets nothing, and what it sends is dropped and counted")
  func linkDown() throws {
    let cards = try cards(["link": "down"])
    try cards[0].send(frame(to: 0xff, from: 1))
    try cards[1].send(frame(to: 0xff, from: 2))
    #expect(try cards[1].receive().isEmpty)
    #expect(try cards[2].receive().count == 1)
    #expect(cards[1].counter(.txDropped) == 1)
    #expect(cards[1].counter(.txPackets) == 0)
  }

  @Test("A card that is pulled out gets nothing, and its place is free for the next")
  func leaves() throws {
    let cards = try cards()
    cards[1].model.end()
    try cards[0].send(frame(to: 2, from: 1))
    let next = try Card(
      ["backend": "switch", "mac": mac(4)], on: cards[0].host)
    try cards[0].send(frame(to: 4, from: 1))
    #expect(try next.receive().map(\.frame) == [frame(to: 4, from: 1)])
  }

  @Test("A guest that was reset gets nothing of what waited for it")
  func reset() throws {
    let cards = try cards()
    try cards[0].send(frame(to: 2, from: 1))
    cards[1].model.reset()
    cards[1].model.negotiated(cards[1].acked.rawValue)
    #expect(try cards[1].receive().isEmpty)
  }

  @Test("Offloads go through as they are to a guest that takes them")
  func passesOffloads() throws {
    let cards = try cards()
    let tcp = TCPFrame()
    try cards[0].send(tcp.bytes, tcp.header(cutTo: 100))
    let received = try cards[1].receive()
    #expect(received.map(\.frame) == [tcp.bytes])
    #expect(received.map(\.header.segmentByteCount) == [100])
  }

  @Test("A guest without GUEST_CSUM gets whole checksums")
  func completes() throws {
    let cards = try cards(without: .netGuestChecksum)
    try cards[0].send(TCPFrame().bytes, TCPFrame().checksumHeader)
    let received = try cards[1].receive()
    #expect(received.map(\.header.flags) == [0])
    #expect(received.map { tcpSum($0.frame, network: 14, isVersion6: false) } == [0xffff])
  }

  @Test("A guest without GUEST_TSO gets segments", arguments: [false, true])
  func cuts(_ isVersion6: Bool) throws {
    let cards = try cards(without: [.netGuestTSO4, .netGuestTSO6])
    let tcp = TCPFrame(isVersion6: isVersion6)
    try cards[0].send(tcp.bytes, tcp.header(cutTo: 100))
    let received = try cards[1].receive()
    #expect(received.flatMap { $0.frame[(tcp.transport + 20)...] } == tcp.payload)
    #expect(received.allSatisfy { $0.header.kind == 0 })
    #expect(
      received.allSatisfy {
        tcpSum($0.frame, network: 14, isVersion6: isVersion6) == 0xffff
      })
  }

  @Test("A frame that cannot be cut is counted as its sender's error")
  func lies() throws {
    let cards = try cards(without: [.netGuestTSO4])
    var bytes = TCPFrame().bytes
    bytes[14] = 0x60
    try cards[0].send(bytes, TCPFrame().header(cutTo: 100))
    #expect(try cards[1].receive().isEmpty)
    #expect(cards[0].counter(.txErrors) == 1)
  }

  @Test("What a full queue does not take is counted by its receiver, and the sender goes on")
  func full() throws {
    let cards = try cards()
    let large = frame(to: 2, from: 1, pattern(1400))
    let source = cards[0].memory.source(headerBytes(NetHeader()) + large)
    for _ in 0..<800 { try cards[0].sendChain([source]) }
    let dropped = cards[1].counter(.rxDropped)
    #expect(dropped > 0)
    #expect(dropped < 200)
    #expect(cards[0].counter(.txPackets) == 800)
    #expect(try cards[1].receive([2048]).count == 1)
  }

  @Test("A receiver is woken once for what a turn brings")
  func wakes() throws {
    let cards = try cards()
    let before = cards[0].host.wakes.count
    for _ in 0..<10 {
      _ = cards[0].drivers[1].offer([
        cards[0].memory.source(headerBytes(NetHeader()) + frame(to: 2, from: 1))
      ])
    }
    cards[0].drivers[1].publish()
    try cards[0].serve(1)
    #expect(cards[0].host.wakes.dropFirst(before) == [0])
  }
}
