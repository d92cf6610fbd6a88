import Devices
import Engine
import LinuxSystem
import TestSupport
import Testing
import Virtio

/// Two cards whose taps are joined by a bridge of the host.
private struct Bridged {
  let near: Card
  let far: Card

  init(without masked: FeatureBits = []) throws {
    try run("sysctl -qw net.ipv6.conf.default.disable_ipv6=1")
    try run("ip link add br0 type bridge mcast_snooping 0 && ip link set br0 up")
    near = try Card(["backend": "tap", "mac": mac(1)], [try Self.tap()])
    far = try Card(["backend": "tap", "mac": mac(2)], [try Self.tap()], without: masked)
    try awaitForwarding()
  }

  private static func tap() throws -> Descriptor {
    let (tap, name) = try openTap(named: "vbus%d")
    try run("ip link set \(name) master br0 up")
    return tap
  }

  /// The kernel lets a port forward some time after it came up.
  private func awaitForwarding() throws {
    for _ in 0..<500 {
      try near.send(frame(to: 0xff, from: 1))
      try far.send(frame(to: 0xff, from: 2))
      guard try far.receive().isEmpty || near.receive().isEmpty else { return }
      pause(milliseconds: 10)
    }
    throw Errno.timedOut
  }
}

@Suite(
  "A tap takes and brings a card's frames", .serialized,
  .needs(.root, .networkNamespaces, .tun, .ip))
struct TapTests {
  @Test("A frame comes through the host's bridge")
  func frames() throws {
    try inNewNetwork {
      let cards = try Bridged()
      try cards.near.send(frame(to: 2, from: 1, pattern(1400)))
      #expect(try cards.far.receive().map(\.frame) == [frame(to: 2, from: 1, pattern(1400))])
    }
  }

  @Test("A large frame comes as it was sent to a guest that takes it", arguments: [false, true])
  func whole(_ isVersion6: Bool) throws {
    try inNewNetwork {
      let cards = try Bridged()
      let tcp = TCPFrame(isVersion6: isVersion6, flags: 0x10)
      try cards.near.send(tcp.bytes, tcp.header(cutTo: 100))
      let received = try cards.far.receive()
      #expect(received.map(\.frame) == [tcp.bytes])
      #expect(received.map(\.header.segmentByteCount) == [100])
    }
  }

  @Test("The host cuts a large frame for a guest that does not take it")
  func cut() throws {
    try inNewNetwork {
      let cards = try Bridged(without: [.netGuestTSO4, .netGuestTSO6, .netGuestChecksum])
      let tcp = TCPFrame(flags: 0x10)
      try cards.near.send(tcp.bytes, tcp.header(cutTo: 100))
      let received = try cards.far.receive()
      #expect(received.map(\.frame.count) == [154, 154, 104])
      #expect(received.allSatisfy { $0.header.flags == 0 })
      #expect(
        received.allSatisfy { tcpSum($0.frame, network: 14, isVersion6: false) == 0xffff })
    }
  }

  @Test("A frame that the host finds to be no such frame is counted as an error")
  func lies() throws {
    try inNewNetwork {
      let cards = try Bridged()
      var header = TCPFrame().header(cutTo: 100)
      header.kind = NetHeader.tcp6
      try cards.near.send(TCPFrame().bytes, header)
      #expect(cards.near.counter(.txErrors) + cards.near.counter(.txPackets) > 0)
      #expect(try cards.far.receive().isEmpty)
      try cards.near.send(frame(to: 2, from: 1))
      #expect(try cards.far.receive().count == 1)
    }
  }

  @Test("What is sent while the interface is down is dropped and counted")
  func hostDown() throws {
    try inNewNetwork {
      let cards = try Bridged()
      try run("ip link set vbus0 down")
      try cards.near.send(frame(to: 2, from: 1))
      #expect(cards.near.counter(.txDropped) == 1)
    }
  }

  @Test("What came before the guest did is not brought")
  func stale() throws {
    try inNewNetwork {
      let cards = try Bridged()
      cards.far.model.reset()
      try cards.near.send(frame(to: 2, from: 1))
      cards.far.model.negotiated(cards.far.acked.rawValue)
      #expect(try cards.far.receive().isEmpty)
    }
  }

  @Test("What came between two engines is brought to the guest that both serve")
  func resumes() throws {
    try inNewNetwork {
      let cards = try Bridged()
      try cards.near.send(frame(to: 2, from: 1))
      cards.far.model.resumed(cards.far.acked.rawValue)
      #expect(try cards.far.receive().map(\.frame) == [frame(to: 2, from: 1)])
    }
  }

  @Test("A link that is down drops what comes, counts it, and brings the next when up again")
  func linkDown() throws {
    try inNewNetwork {
      let cards = try Bridged()
      try cards.far.model.update(["link": "down"], [])
      try cards.near.send(frame(to: 2, from: 1))
      #expect(try cards.far.receive().isEmpty)
      #expect(cards.far.counter(.rxDropped) == 1)
      try cards.far.model.update(["link": "up"], [])
      try cards.near.send(frame(to: 2, from: 1))
      #expect(try cards.far.receive([]).count == 1)
    }
  }

  @Test("A frame that comes wakes the card that waits for it")
  func wakes() throws {
    try inNewNetwork {
      let cards = try Bridged()
      try cards.far.host.loop.turn(milliseconds: 0)
      let before = cards.far.host.wakes.count
      try cards.near.send(frame(to: 2, from: 1))
      try cards.far.host.loop.turn(milliseconds: 1000)
      #expect(cards.far.host.wakes.dropFirst(before) == [0])
    }
  }

  @Test("An interface that is deleted ends the host side")
  func deleted() throws {
    try inNewNetwork {
      let cards = try Bridged()
      try run("ip link delete vbus1")
      try cards.far.host.loop.turn(milliseconds: 1000)
      #expect(cards.far.host.failure == "the tap interface is gone")
      #expect(try cards.far.serve(0) == .idle)
    }
  }
}
