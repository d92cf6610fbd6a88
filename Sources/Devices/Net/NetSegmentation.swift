internal import SharedMemory

/// Cuts a large TCP frame into segments as a network card would: for a receiver that takes only
/// frames that could be on a wire (VIRTIO 1.2 section 5.1.6.2).
package struct NetSegmentation: BitwiseCopyable, Sendable {
  /// Where the parts of the frame begin.
  let network: Int
  let transport: Int
  let payload: Int
  let frameByteCount: Int
  let segmentByteCount: Int
  let isVersion6: Bool
  /// How many segments the frame becomes.
  package let count: Int

  private enum TCP {
    static let fin: UInt8 = 0x01
    static let push: UInt8 = 0x08
    static let congestionReduced: UInt8 = 0x80
  }

  /// Reads the frame's own headers: of the header before it only the segment's size and the place
  /// of the TCP header are believed, and those are checked. Nil for what is no such frame.
  package init?(_ frame: borrowing Span<UInt8>, _ header: NetHeader) {
    transport = Int(header.checksumStart)
    frameByteCount = frame.count
    segmentByteCount = Int(header.segmentByteCount)
    isVersion6 = header.kind & ~NetHeader.ecn == NetHeader.tcp6
    guard segmentByteCount > 0, transport + 20 <= frame.count,
      Int(header.checksumOffset) == 16,
      let network = Self.network(frame, isVersion6: isVersion6)
    else { return nil }
    self.network = network
    payload = transport + Int(frame[transport + 12] >> 4) * 4
    guard payload >= transport + 20, payload < frame.count else { return nil }
    count = (frame.count - payload + segmentByteCount - 1) / segmentByteCount
    guard count <= NetLimits.segmentsMax, isSound(frame) else { return nil }
  }

  /// Where the IP header begins, behind at most two VLAN tags.
  private static func network(_ frame: borrowing Span<UInt8>, isVersion6: Bool) -> Int? {
    var place = 12
    for _ in 0..<3 where place + 2 <= frame.count {
      switch frame.word(at: place) {
      case 0x8100, 0x88a8: place += 4
      case 0x0800: return isVersion6 ? nil : place + 2
      case 0x86dd: return isVersion6 ? place + 2 : nil
      default: return nil
      }
    }
    return nil
  }

  /// The IP header is whole, ends at or before the TCP header, and is of the version promised.
  private func isSound(_ frame: borrowing Span<UInt8>) -> Bool {
    guard !isVersion6 else { return network + 40 <= transport && frame[network] >> 4 == 6 }
    let headerByteCount = Int(frame[network] & 15) * 4
    return headerByteCount >= 20 && network + headerByteCount == transport
      && frame[network] >> 4 == 4 && frame[network + 9] == 6
  }

  /// The length of each segment but the last, which is the longest.
  package var byteCountMax: Int { min(payload + segmentByteCount, frameByteCount) }

  package func byteCount(of index: Int) -> Int {
    payload + min(segmentByteCount, frameByteCount - payload - index * segmentByteCount)
  }

  /// Writes segment `index` of the frame with all its checksums. The room is as long as it is.
  package func write(
    _ index: Int, of frame: borrowing Span<UInt8>, into segment: inout MutableSpan<UInt8>
  ) {
    precondition(index >= 0 && index < count && segment.count == byteCount(of: index))
    let start = payload + index * segmentByteCount
    let length = segment.count
    copyBytes(frame.extracting(0..<payload), to: &segment)
    copyBytes(frame.extracting(start..<(start + length - payload)), to: &segment, at: payload)
    if isVersion6 {
      segment.setWord(UInt16(truncatingIfNeeded: length - network - 40), at: network + 4)
    } else {
      finishVersion4(index, &segment)
    }
    finishTCP(index, &segment)
  }

  /// Length, a number of its own, and the header's checksum (RFC 791).
  private func finishVersion4(_ index: Int, _ segment: inout MutableSpan<UInt8>) {
    let number = segment.span.word(at: network + 4) &+ UInt16(truncatingIfNeeded: index)
    segment.setWord(UInt16(truncatingIfNeeded: segment.count - network), at: network + 2)
    segment.setWord(number, at: network + 4)
    segment.setWord(0, at: network + 10)
    let sum = NetChecksum.sum(segment.span, network..<transport)
    segment.setWord(~NetChecksum.folded(sum), at: network + 10)
  }

  /// Sequence number, flags and checksum (RFC 9293). The end and the push belong to the last
  /// segment, the word that congestion was heard of to the first (RFC 3168).
  private func finishTCP(_ index: Int, _ segment: inout MutableSpan<UInt8>) {
    let sequence = segment.span.longWord(at: transport + 4)
    segment.setLongWord(
      sequence &+ UInt32(truncatingIfNeeded: index * segmentByteCount), at: transport + 4)
    if index < count - 1 { segment[transport + 13] &= ~(TCP.fin | TCP.push) }
    if index > 0 { segment[transport + 13] &= ~TCP.congestionReduced }
    segment.setWord(0, at: transport + 16)
    let addresses =
      isVersion6 ? (network + 8)..<(network + 40) : (network + 12)..<(network + 20)
    let length = segment.count
    var sum = NetChecksum.sum(segment.span, addresses)
    sum += 6 + UInt64(length - transport)
    sum = NetChecksum.sum(segment.span, transport..<length, adding: sum)
    segment.setWord(NetChecksum.completed(sum), at: transport + 16)
  }
}
