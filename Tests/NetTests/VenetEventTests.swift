import Devices
import Engine
import LinuxSystem
import SharedMemory
import TestSupport
import Testing
import Vbus
import VbusLink
import Virtio

@Suite("Clients of virtual-ethernet hear of what they asked to hear of")
struct VenetEventTests {
  private func linkState(_ isUp: UInt8) -> [UInt8] {
    little(UInt32(0)) + little(UInt32(16)) + little(UInt32(0)) + [isUp, 0, 0, 0]
  }

  private func transmitComplete(_ cookie: UInt64) -> [UInt8] {
    little(UInt32(0)) + little(UInt32(24)) + little(UInt32(1)) + little(UInt32(1)) + little(cookie)
  }

  // MARK: LINKSTATE

  @Test("The cable goes out and in: each is told")
  func link() throws {
    let card = try NativeCard().telling([.linkState])
    try card.model.update(["link": "down"], [])
    #expect(try card.host.awaitWake(of: 3))
    #expect(try card.told() == [linkState(0)])
    try card.model.update(["link": "up"], [])
    #expect(try card.told() == [linkState(1)])
  }

  @Test("What does not change is not told")
  func unchanged() throws {
    let card = try NativeCard().telling([.linkState])
    try card.model.update(["link": "up"], [])
    #expect(try card.told().isEmpty)
    #expect(try card.events.serve(card.model, card.guest) == .idle)
  }

  @Test("A cable that is out when the link comes up is told")
  func out() throws {
    let card = try NativeCard(["link": "down"]).telling([.linkState])
    #expect(try card.told() == [linkState(0)])
  }

  @Test("Who posts no buffers is told the newest state once there is one")
  func newest() throws {
    let card = try NativeCard().telling([.linkState], buffers: 0)
    for index in 0..<1000 {
      try card.model.update(["link": index % 2 == 0 ? "down" : "up"], [])
    }
    try card.model.update(["link": "down"], [])
    #expect(try card.events.serve(card.model, card.guest) == .drained)
    for index in 0..<4 { card.events.post(card.place(index)) }
    #expect(try card.told() == [linkState(0)])
  }

  @Test("Who did not ask for it, or has no link yet, is not told")
  func notAsked() throws {
    let card = try NativeCard().telling([.transmitComplete])
    try card.model.update(["link": "down"], [])
    #expect(try card.told().isEmpty)
    let other = try NativeCard()
    try other.negotiate(1, 1)
    try other.model.update(["link": "down"], [])
    #expect(try !other.host.awaitWake(of: 3, turns: 0))
  }

  @Test("What was to be told when the link went down is not told later")
  func forgotten() throws {
    let card = try NativeCard().telling([.linkState])
    try card.model.update(["link": "down"], [])
    try card.call(.linkDown)
    try card.model.update(["link": "up"], [])
    try card.call(.linkUp)
    #expect(try card.told().isEmpty)
  }

  // MARK: TXC

  @Test("Frames that were sent are told once, by the newest one's cookie")
  func sent() throws {
    let card = try NativeCard(["backend": "null"])
    try card.negotiate(0, 1)
    _ = try card.telling([.transmitComplete])
    for cookie in [7, 8, 9] as [UInt64] {
      let packet = Packet(frame(to: 9, from: 1), in: card.memory).with { $0.cookie = cookie }
      card.transmit.post(card.memory.source(packet.bytes))
    }
    try card.transmit.serve(card.model, card.guest)
    #expect(try card.host.awaitWake(of: 3))
    #expect(try card.told() == [transmitComplete(9)])
    try card.transmit.serve(card.model, card.guest)
    #expect(try card.told().isEmpty)
  }

  @Test("Frames that were dropped or wrong are back as well")
  func dropped() throws {
    let card = try NativeCard().telling([.transmitComplete])
    try card.send([1, 2, 3])
    #expect(try card.told() == [transmitComplete(0)])
    try card.model.update(["link": "down"], [])
    try card.send(frame(to: 9, from: 1))
    #expect(try card.told() == [transmitComplete(0)])
  }

  @Test("Frames that a stream holds back are not told as sent")
  func held() throws {
    let (near, far) = try makeStreamPair()
    try near.setNonblocking(true)
    while (try? writePart(of: pattern(4096).span, to: near.number)) != nil {}
    let card = try NativeCard(["backend": "stream"], [near]).telling([.transmitComplete])
    #expect(try !card.send(frame(to: 9, from: 1)))
    #expect(try card.told().isEmpty)
    while try card.transmit.reap().isEmpty {
      _ = try read(far, upTo: 65_536)
      try card.transmit.serve(card.model, card.guest)
    }
    #expect(try card.told() == [transmitComplete(0)])
  }

  @Test("Who did not ask for it is not told")
  func notAskedForSent() throws {
    let card = try NativeCard(["backend": "null"]).telling([.linkState])
    try card.send(frame(to: 9, from: 1))
    #expect(try card.told().isEmpty)
  }

  // MARK: Buffers

  @Test("A buffer that is not wholly in the pool stops the queue", arguments: [-1, 1, 10_000])
  func outside(_ distance: Int) throws {
    let card = try NativeCard().telling([.linkState], buffers: 0)
    let last = card.place(distance < 0 ? 0 : NativeCard.entries - 1)
    let address = UInt64(Int(last.address.rawValue) + distance)
    card.events.post(Segment(address: GuestAddress(address), count: 24, isWritable: true))
    try card.model.update(["link": "down"], [])
    #expect(throws: RingFault.outsideOfPool(address)) { try card.told() }
  }

  @Test("A buffer at the end of all addresses is in no pool")
  func wraps() throws {
    let card = try NativeCard().telling([.linkState], buffers: 0)
    let nowhere = GuestAddress(.max - 10)
    card.events.post(Segment(address: nowhere, count: .max, isWritable: true))
    try card.model.update(["link": "down"], [])
    #expect(throws: RingFault.outsideOfPool(.max - 10)) { try card.told() }
  }

  @Test("A buffer too small for an event stops the queue", arguments: [0, 16, 23])
  func small(_ count: UInt32) throws {
    let card = try NativeCard().telling([.linkState], buffers: 0)
    card.events.post(Segment(address: card.pool.address, count: count, isWritable: true))
    try card.model.update(["link": "down"], [])
    #expect(throws: RingFault.noRoomForAnswer) { try card.told() }
  }

  @Test("A pool that is shared no more stops the queue")
  func gone() throws {
    let card = try NativeCard().telling([.linkState])
    card.host.shares = [:]
    try card.model.update(["link": "down"], [])
    #expect(throws: RingFault.self) { try card.told() }
  }
}
