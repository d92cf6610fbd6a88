import Devices
import LinuxSystem
import RingDriver
import SharedMemory
import Vbus
import VbusLink

/// A packet header of "virtual-ethernet" as a driver writes it, right or wrong.
struct Packet {
  var cookie: UInt64 = 0
  var flags: UInt32 = 0
  var byteCount = 0
  var checksumStart: UInt16 = 0
  var checksumOffset: UInt16 = 0
  var segmentation: UInt8 = 0
  var headerByteCount: UInt16 = 0
  var segmentByteCount: UInt16 = 0
  /// What the header says there is; nil: as many as there are.
  var partCount: UInt32?
  var parts: [Segment] = []

  init(_ parts: [Segment] = []) {
    self.parts = parts
    byteCount = parts.reduce(0) { $0 + Int($1.count) }
  }

  /// A frame, cut after these many bytes each; the rest is the last part.
  init(_ frame: [UInt8], cutAfter counts: [Int] = [], in memory: DriverMemory) {
    var rest = frame[...]
    var parts: [Segment] = []
    for count in counts {
      parts.append(memory.source(Array(rest.prefix(count))))
      rest = rest.dropFirst(count)
    }
    self.init(parts + [memory.source(Array(rest))])
  }

  /// With what virtio's header would say.
  func with(_ header: NetHeader) -> Packet {
    var packet = self
    if header.needsChecksum { packet.flags |= VenetPacket.Flags.needsChecksum }
    packet.checksumStart = header.checksumStart
    packet.checksumOffset = header.checksumOffset
    guard header.isSegmented else { return packet }
    packet.flags |= VenetPacket.Flags.isSegmented
    if header.kind & NetHeader.ecn != 0 { packet.flags |= VenetPacket.Flags.ecn }
    packet.segmentation = header.kind & ~NetHeader.ecn == NetHeader.tcp6 ? 2 : 0
    packet.headerByteCount = header.headerByteCount
    packet.segmentByteCount = header.segmentByteCount
    return packet
  }

  func with(_ change: (inout Packet) -> Void) -> Packet {
    var packet = self
    change(&packet)
    return packet
  }

  var bytes: [UInt8] {
    let lead =
      little(cookie) + little(flags) + little(UInt32(byteCount)) + little(checksumStart)
      + little(checksumOffset) + [segmentation, 0] + little(headerByteCount)
      + little(segmentByteCount) + [0, 0] + little(partCount ?? UInt32(parts.count))
    return parts.reduce(lead) {
      $0 + little($1.count) + [0, 0, 0, 0] + little($1.address.rawValue)
    }
  }
}

func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
  littleEndian(number, byteCount: Number.bitWidth / 8)
}

func number(_ bytes: [UInt8], at index: Int, _ count: Int) -> UInt64 {
  littleEndian(bytes[index..<index + count])
}
