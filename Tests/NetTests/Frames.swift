import Devices

/// An Ethernet frame between stations 02:00:00:00:00:xx; 0xff is everybody.
func frame(to destination: UInt8, from source: UInt8, _ payload: [UInt8] = [1, 2, 3]) -> [UInt8] {
  station(destination) + station(source) + [0x88, 0xb5] + payload
}

func station(_ number: UInt8) -> [UInt8] {
  number == 0xff ? [UInt8](repeating: 0xff, count: 6) : [2, 0, 0, 0, 0, number]
}

func mac(_ number: UInt8) -> String {
  "02:00:00:00:00:" + (number < 16 ? "0" : "") + String(number, radix: 16)
}

/// Bytes that differ from their neighbours.
func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) } }

/// A TCP frame as a driver leaves it to the device: lengths of the whole, and in the place of the
/// checksum the sum of the pseudo header.
struct TCPFrame {
  var isVersion6 = false
  var payload: [UInt8] = pattern(250)
  var flags: UInt8 = 0x99
  var tag: [UInt8] = []

  var network: Int { 14 + tag.count }
  var transport: Int { network + (isVersion6 ? 40 : 20) }

  var bytes: [UInt8] {
    station(2) + station(1) + tag + (isVersion6 ? [0x86, 0xdd] : [8, 0]) + packet
  }

  private var packet: [UInt8] { isVersion6 ? version6 : version4 }

  private var version4: [UInt8] {
    let start: [UInt8] = [0x45, 0] + word(40 + payload.count) + [0xff, 0xfe, 0x40, 0, 64, 6]
    let sum = ~folded(start + addresses)
    return start + word(Int(sum)) + addresses + tcp
  }

  private var version6: [UInt8] {
    [0x60, 0, 0, 0] + word(20 + payload.count) + [6, 64] + addresses + tcp
  }

  private var addresses: [UInt8] {
    isVersion6 ? pattern(32) : [10, 0, 0, 1, 10, 0, 0, 2]
  }

  private var tcp: [UInt8] {
    let pseudo = folded(addresses + [0, 6] + word(20 + payload.count))
    return [0x12, 0x34, 0, 80, 0xff, 0xff, 0xff, 0xf0, 0, 0, 0, 9, 0x50, flags, 1, 0]
      + word(Int(pseudo)) + [0, 0] + payload
  }

  /// Cut into segments of `count` bytes.
  func header(cutTo count: UInt16) -> NetHeader {
    var header = NetHeader()
    header.flags = NetHeader.needsChecksum
    header.kind = isVersion6 ? NetHeader.tcp6 : NetHeader.tcp4
    header.headerByteCount = UInt16(transport + 20)
    header.segmentByteCount = count
    header.checksumStart = UInt16(transport)
    header.checksumOffset = 16
    return header
  }

  /// Whole, with its checksum to be completed.
  var checksumHeader: NetHeader {
    var header = header(cutTo: 0)
    header.kind = 0
    header.headerByteCount = 0
    return header
  }
}

func word(_ value: Int) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xff)] }

/// The plain way to add big-endian words in one's complement.
func folded(_ bytes: [UInt8]) -> UInt16 {
  var sum = 0
  for index in stride(from: 0, to: bytes.count, by: 2) {
    sum += Int(bytes[index]) << 8 | (index + 1 < bytes.count ? Int(bytes[index + 1]) : 0)
    sum = (sum & 0xffff) + sum >> 16
  }
  return UInt16(sum)
}

/// What a receiver computes over a TCP segment: 0xffff when its checksum is right.
func tcpSum(_ frame: [UInt8], network: Int, isVersion6: Bool) -> UInt16 {
  let transport = network + (isVersion6 ? 40 : 20)
  let ends = isVersion6 ? frame[(network + 8)..<transport] : frame[(network + 12)..<transport]
  return folded(Array(ends) + [0, 6] + word(frame.count - transport) + frame[transport...])
}
