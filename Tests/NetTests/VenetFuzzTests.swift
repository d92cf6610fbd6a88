import Devices
import LinuxSystem
import SharedMemory
import TestSupport
import Testing
import Vbus
import VbusLink
import Virtio

@Suite("No packet headers of a guest trap a network card")
struct VenetFuzzTests {
  @Test("After random headers of each seed frames still pass", arguments: 0..<8)
  func randomHeaders(_ seed: UInt64) throws {
    let host = try PlayedHost()
    let cards = try (1...2).map {
      try NativeCard(["backend": "switch", "mac": mac(UInt8($0))], on: host).scattered()
    }
    var dice = Dice(seed)
    for _ in 0..<300 {
      let card = cards[dice.below(2)]
      deed(&dice, card)
    }
    let proof = try (0x11...0x12).map {
      try NativeCard(["backend": "switch", "mac": mac($0)], on: host).flat()
    }
    try proof[0].send(frame(to: 0x12, from: 0x11))
    #expect(try proof[1].frames().contains(frame(to: 0x12, from: 0x11)))
    #expect(cards.allSatisfy { !$0.guest.isTorn })
  }

  /// One buffer for either queue, with a header that nearly fits, or a function. A queue that stops
  /// begins anew.
  private func deed(_ dice: inout Dice, _ card: NativeCard) {
    let place = card.memory.bytes.byteCount - 65_536
    card.memory.bytes.setBytes(header(&dice, card), at: place)
    let count = dice.below(3) == 0 ? dice.below(1200) : 32 + 16 * dice.below(66)
    let buffer = Segment(
      address: card.memory.guestAddress(of: place), count: UInt32(count), isWritable: false)
    switch dice.below(8) {
    case 0...4: serve(card.transmit, buffer, card)
    case 5, 6: serve(card.receive, buffer, card)
    default:
      let function = dice.below(9)
      var data = dice.bytes(VenetFunction(rawValue: UInt32(function))?.byteCount ?? 0)
      if dice.below(2) == 0, data.count == 8 { data.replaceSubrange(0..<4, with: [0, 0, 0, 0]) }
      _ = try? card.model.call(UInt32(function), &data)
    }
  }

  private func serve(_ queue: NativeQueue, _ buffer: Segment, _ card: NativeCard) {
    queue.post(buffer)
    do {
      try queue.serve(card.model, card.guest)
      _ = try queue.reap()
    } catch { try? queue.reset() }
  }

  /// Random fields, parts in a small part of the memory and some of them anywhere.
  private func header(_ dice: inout Dice, _ card: NativeCard) -> [UInt8] {
    let place = card.memory.bytes.byteCount - 32_768
    let tcp = TCPFrame(isVersion6: dice.below(2) == 0, payload: pattern(1 + dice.below(3000)))
    card.memory.bytes.setBytes(tcp.bytes, at: place)
    var left = tcp.bytes.count
    var parts: [Segment] = []
    while left > 0, parts.count < 70 {
      let count = min(left, 1 + dice.below(2000))
      let start = card.memory.guestAddress(of: place + tcp.bytes.count - left)
      parts.append(Segment(address: start, count: UInt32(count), isWritable: false))
      left -= count
    }
    if dice.below(8) == 0 {
      parts[dice.below(parts.count)] = Segment(
        address: GuestAddress(dice.next()), count: UInt32(truncatingIfNeeded: dice.next()),
        isWritable: false)
    }
    var packet = Packet(parts).with(tcp.header(cutTo: UInt16(dice.below(1500))))
    if dice.below(2) == 0 { packet.flags = UInt32(dice.below(8)) }
    if dice.below(8) == 0 { packet.partCount = UInt32(dice.below(70)) }
    var bytes = packet.bytes
    for _ in 0..<dice.below(3) { bytes[dice.below(32)] = dice.bytes(1)[0] }
    return bytes
  }
}
