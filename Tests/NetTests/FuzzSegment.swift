import Devices
import LinuxSystem
import RingDriver
import SharedMemory
import TestSupport
import Virtio

/// Cards of one engine, all of whose guests, and the other end of whose stream, are hostile. The
/// fuzz entry is `entry`: some bytes become one thing that one of them does.
final class FuzzSegment {
  static let byteCount = 64

  let cards: [FuzzCard]
  private let far: Descriptor
  private let templates: [[UInt8]]

  init() throws {
    ignoreLostReaders()
    let host = try PlayedHost()
    let ends = try makeStreamPair()
    far = ends.1
    try far.setNonblocking(true)
    var cards = try (1...3).map {
      try FuzzCard(["mac": mac(UInt8($0)), "backend": "switch"], [], on: host)
    }
    cards.append(try FuzzCard(["mac": mac(4), "backend": "loopback"], [], on: PlayedHost()))
    cards.append(try FuzzCard(["mac": mac(5), "backend": "stream"], [ends.0], on: PlayedHost()))
    self.cards = cards
    templates = [
      TCPFrame(payload: pattern(3000)).bytes, TCPFrame(isVersion6: true).bytes,
      TCPFrame(tag: [0x81, 0, 0, 1]).bytes, frame(to: 0xff, from: 1, pattern(60_000)),
    ]
  }

  func entry(_ bytes: [UInt8]) {
    let card = cards[Int(bytes[0]) % cards.count]
    let rest = Array(bytes[2...])
    switch bytes[1] & 15 {
    case 0...5: transmit(rest, on: card)
    case 6...8: lend(rest, on: card)
    case 9, 10: card.receive(dies: rest[0] & 3 == 0)
    case 11: command(rest, on: card)
    case 12: try? card.model.update(["link": rest[0] & 3 == 0 ? "down" : "up"], [])
    case 13: card.reset(rest[0] & 3 == 0 ? .max : word(rest, 1) | word(rest, 3) << 16 | 1 << 32)
    case 14: card.resetReceiving()
    default: write(rest)
    }
  }

  private func word(_ bytes: [UInt8], _ index: Int) -> UInt64 {
    UInt64(bytes[index]) | UInt64(bytes[index + 1]) << 8
  }

  /// A header that nearly fits, a frame with some of its bytes changed, cut anywhere.
  private func transmit(_ bytes: [UInt8], on card: FuzzCard) {
    var frame = templates[Int(bytes[0] & 3)]
    frame.replaceSubrange(0..<12, with: station(bytes[1] & 7) + station(bytes[2] & 7))
    for index in 3..<6 where bytes[index] & 1 == 0 {
      frame[12 + Int(bytes[index + 3]) % min(80, frame.count - 12)] = bytes[index]
    }
    let header = bytes[16] & 3 == 0 ? Self.header(bytes) : sound(bytes)
    card.memory.bytes.setBytes(headerBytes(header) + frame, at: FuzzCard.source)
    chain(
      bytes[20...], on: card.drivers[1], from: 0, count: 6, at: FuzzCard.source,
      isWritable: false, card)
    if bytes[17] & 3 > 0 {
      divide(12 + frame.count, after: min(Int(bytes[18]), frame.count), card)
    }
    _ = card.serveAnew(1)
  }

  /// A header that the frame of the same bytes may have.
  private func sound(_ bytes: [UInt8]) -> NetHeader {
    let cut = UInt16(bytes[12]) << 3 | 44
    return switch bytes[0] & 3 {
    case 0: bytes[10] & 1 == 0 ? TCPFrame().checksumHeader : TCPFrame().header(cutTo: cut)
    case 1: TCPFrame(isVersion6: true).header(cutTo: cut)
    case 2: TCPFrame(tag: [0x81, 0, 0, 1]).header(cutTo: cut)
    default: NetHeader()
    }
  }

  /// A header of which each part may lie.
  private static func header(_ bytes: [UInt8]) -> NetHeader {
    var header = NetHeader()
    header.flags = bytes[9] & 7
    header.kind = [0, 1, 4, 0x81, 0x84, 3, bytes[10], 1][Int(bytes[10] & 7)]
    header.headerByteCount = [0, 54, 74, UInt16(bytes[11]) << 8 | 255][Int(bytes[11] & 3)]
    header.segmentByteCount = [1448, 46, 1, 0, 65535, 9, 536, 100][Int(bytes[12] & 7)]
    header.checksumStart = [34, 54, 38, UInt16(bytes[13]) << 8 | 254][Int(bytes[13] >> 2 & 3)]
    header.checksumOffset = bytes[14] & 7 == 0 ? UInt16(bytes[15]) << 8 | 254 : 16
    return header
  }

  /// Makes the transmit queue's chain two buffers that hold all of a frame.
  private func divide(_ byteCount: Int, after first: Int, _ card: FuzzCard) {
    let start = card.memory.guestAddress(of: FuzzCard.source).rawValue
    card.drivers[1].set(0, address: start, count: UInt32(first), flags: 1, next: 1)
    card.drivers[1].set(
      1, address: start + UInt64(first), count: UInt32(byteCount - first), flags: 0, next: 0)
  }

  private func lend(_ bytes: [UInt8], on card: FuzzCard) {
    for index in 0..<4 {
      let head = UInt16(bytes[index] % 5) * 3
      chain(
        bytes[(8 + 4 * index)...], on: card.drivers[0], from: head, count: 3,
        at: FuzzCard.target + Int(head) << 14, isWritable: true, card)
      card.lend(head: bytes[index] == 255 ? .max : head)
    }
    card.receive(dies: false)
  }

  private func command(_ bytes: [UInt8], on card: FuzzCard) {
    card.memory.bytes.setBytes([bytes[0] & 3, bytes[1] & 1], at: FuzzCard.source)
    chain(
      bytes[2...], on: card.drivers[2], from: 0, count: 3, at: FuzzCard.source,
      isWritable: false, card)
    _ = card.serveAnew(2)
  }

  /// Writes a chain of buffers that adjoin, mostly; four bytes make one.
  private func chain(
    _ bytes: ArraySlice<UInt8>, on driver: SplitDriver, from head: UInt16, count: Int,
    at start: Int, isWritable: Bool, _ card: FuzzCard
  ) {
    let sizes: [UInt32] = [
      12, 1, 0, 10, 13, 14, 26, 54, 100, 1526, 3054, 4096, 60_000, 65_565, 2, .max,
    ]
    var place = start
    for index in 0..<count {
      let part = Array(bytes.dropFirst(4 * index).prefix(4))
      let size = sizes[Int(part[0] & 15)]
      let isTurned = part[1] & 31 == 0
      driver.set(
        head + UInt16(index),
        address: part[2] == 7
          ? UInt64(part[3]) << 40 : card.memory.guestAddress(of: place).rawValue,
        count: size,
        flags: (isWritable != isTurned ? 2 : 0) | (part[1] & 3 == 1 ? 0 : 1)
          | (part[3] == 9 ? 4 : 0),
        next: part[3] == 8 ? UInt16(part[2]) : head + UInt16(index) + 1)
      place = min(place + Int(min(size, 65_565)), (1 << 20) - 1)
    }
  }

  /// The other end of the stream says something, and takes what it was sent.
  private func write(_ bytes: [UInt8]) {
    let count = Int(bytes[0])
    let body = [UInt8](repeating: 9, count: count)
    let lead: [UInt8] = [0, bytes[1] == 0 ? bytes[2] : 0, 0, bytes[1] & 7 == 1 ? 255 : bytes[0]]
    _ = try? writePart(of: (lead + body).span, to: far.number)
    var sink = [UInt8](repeating: 0, count: 4096)
    for _ in 0..<Int(bytes[3]) { if (try? readOnce(far.number, into: &sink)) == nil { break } }
  }

  /// Lets all guests begin anew and the first one send a frame to everybody; answers how many
  /// bytes each other card of its switch got of it, its header included.
  func proof() throws -> [UInt32] {
    let switched = cards.prefix(3)
    for card in switched {
      try card.model.update(["link": "up"], [])
      card.reset(.max)
      let memory = card.memory
      card.drivers[0].set(
        0, address: memory.guestAddress(of: FuzzCard.target).rawValue, count: 2048, flags: 2,
        next: 0)
      card.lend(head: 0)
    }
    let memory = cards[0].memory
    memory.bytes.setBytes(
      headerBytes(NetHeader()) + frame(to: 0xff, from: 1), at: FuzzCard.source)
    cards[0].drivers[1].set(
      0, address: memory.guestAddress(of: FuzzCard.source).rawValue, count: 29, flags: 0, next: 0)
    _ = cards[0].serveAnew(1)
    return switched.dropFirst().map { card in
      card.receive(dies: false)
      let driver = card.drivers[0]
      guard driver.used.relaxed16(at: SplitLayout.index) == 1 else { return 0 }
      return driver.used.relaxed32(at: driver.layout.usedSlot(0) + 4)
    }
  }
}
