internal import SharedMemory
internal import VbusLink
internal import Virtio

/// The header of a frame in parts, as it was copied out of the guest's memory.
struct NetPacket: BitwiseCopyable {
  let cookie: UInt64
  let flags: UInt32
  /// Of the frame.
  let byteCount: Int
  let partCount: Int
  private let checksumStart: UInt16
  private let checksumOffset: UInt16
  private let segmentation: UInt8
  private let headerByteCount: UInt16
  private let segmentByteCount: UInt16

  init(_ bytes: borrowing Span<UInt8>) {
    let first = wordOfBytes(bytes, at: VenetPacket.flags)
    let second = wordOfBytes(bytes, at: VenetPacket.checksumStart)
    let third = wordOfBytes(bytes, at: VenetPacket.segmentByteCount)
    cookie = wordOfBytes(bytes, at: 0)
    flags = UInt32(truncatingIfNeeded: first)
    byteCount = Int(first >> 32)
    checksumStart = UInt16(truncatingIfNeeded: second)
    checksumOffset = UInt16(truncatingIfNeeded: second >> 16)
    segmentation = UInt8(truncatingIfNeeded: second >> 32)
    headerByteCount = UInt16(truncatingIfNeeded: second >> 48)
    segmentByteCount = UInt16(truncatingIfNeeded: third)
    partCount = Int(third >> 32)
  }

  /// What it says as virtio would, to be checked as such; nil for a kind of segmentation that
  /// nobody knows.
  var header: NetHeader? {
    var header = NetHeader()
    if flags & VenetPacket.Flags.needsChecksum != 0 {
      header.flags = NetHeader.needsChecksum
      header.checksumStart = checksumStart
      header.checksumOffset = checksumOffset
    }
    guard flags & VenetPacket.Flags.isSegmented != 0 else { return header }
    switch VenetPacket.Segmentation(rawValue: segmentation) {
    case .tcp4: header.kind = NetHeader.tcp4
    case .tcp6: header.kind = NetHeader.tcp6
    // Never granted.
    case .udp, nil: return nil
    }
    if flags & VenetPacket.Flags.ecn != 0 { header.kind |= NetHeader.ecn }
    header.headerByteCount = headerByteCount
    header.segmentByteCount = segmentByteCount
    return header
  }
}

/// Reads and writes the headers of frames in parts. Its memory is taken once.
struct NetScatter: ~Copyable {
  private var parts = [UInt8](
    repeating: 0, count: VenetPacket.partsMax * VenetPacket.partByteCount)

  /// Reads the header that is the only buffer of a chain, and makes its parts the chain. No byte is
  /// read twice, for the guest may change it at any time. Nil for what is no header; the chain is
  /// then not to be used.
  mutating func read(
    _ segments: inout Segments, isWritable: Bool, of memory: GuestMemory
  ) throws(MemoryFault) -> NetPacket? {
    guard segments.count == 1, segments[0].count >= VenetPacket.parts else { return nil }
    let place = segments[0]
    var bytes = InlineArray<32, UInt8>(repeating: 0)
    var span = bytes.mutableSpan
    try memory.copyOut(from: place.address, VenetPacket.parts, into: &span)
    let packet = NetPacket(bytes.span)
    guard (1...VenetPacket.partsMax).contains(packet.partCount),
      VenetPacket.byteCount(parts: packet.partCount) <= place.count
    else { return nil }
    try readParts(packet.partCount, behind: place.address, memory)
    segments.removeAll()
    var tally = Segments.Tally()
    for index in 0..<packet.partCount {
      guard segments.append(part(index, isWritable: isWritable), &tally) else { return nil }
    }
    return segments.settle(tally) ? packet : nil
  }

  private mutating func readParts(
    _ count: Int, behind header: GuestAddress, _ memory: GuestMemory
  ) throws(MemoryFault) {
    var span = parts.mutableSpan
    let start = GuestAddress(header.rawValue &+ UInt64(VenetPacket.parts))
    try memory.copyOut(from: start, count * VenetPacket.partByteCount, into: &span)
  }

  private func part(_ index: Int, isWritable: Bool) -> Segment {
    let place = index * VenetPacket.partByteCount
    let address = wordOfBytes(parts.span, at: place + VenetPacket.partAddress)
    let count = UInt32(truncatingIfNeeded: wordOfBytes(parts.span, at: place))
    return Segment(address: GuestAddress(address), count: count, isWritable: isWritable)
  }

  /// Says in the header at `place` that so many bytes with this header of virtio's, which asks for
  /// no segmentation, are in its parts; cookie, count and addresses stay.
  func write(
    _ header: NetHeader, _ byteCount: Int, to place: GuestAddress,
    _ segments: borrowing Segments, of memory: GuestMemory
  ) throws(MemoryFault) {
    var bytes = InlineArray<18, UInt8>(repeating: 0)
    var span = bytes.mutableSpan
    let flags = header.needsChecksum ? VenetPacket.Flags.needsChecksum : 0
    setWordOfBytes(&span, at: 0, to: UInt64(flags) | UInt64(byteCount) << 32)
    if header.needsChecksum {
      let sum = UInt64(header.checksumStart) | UInt64(header.checksumOffset) << 16
      setWordOfBytes(&span, at: 8, to: sum)
    }
    let start = place.rawValue
    try memory.copyIn(bytes.span, to: GuestAddress(start &+ UInt64(VenetPacket.flags)))
    var left = byteCount
    for index in 0..<segments.count {
      let room = Int(segments[index].count)
      let used = min(room, left)
      left -= used
      guard used < room else { continue }
      let count = InlineArray<4, UInt8> { UInt8(truncatingIfNeeded: used >> (8 * $0)) }
      let part = VenetPacket.byteCount(parts: index)
      try memory.copyIn(count.span, to: GuestAddress(start &+ UInt64(part)))
    }
  }
}
