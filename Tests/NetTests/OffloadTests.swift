import Devices
import Testing

@Suite("Work that a driver left to the device is done as the protocols say")
struct OffloadTests {
  @Test("RFC 1071: the sum of its example is 0xddf2")
  func example() {
    let bytes: [UInt8] = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]
    let sum = NetChecksum.sum(bytes.span, 0..<8)
    #expect(NetChecksum.folded(sum) == 0xddf2)
  }

  @Test("An odd last byte is the high half of a word")
  func odd() {
    let bytes: [UInt8] = [1, 2, 3]
    let sum = NetChecksum.sum(bytes.span, 0..<3)
    #expect(sum == 0x0402)
  }

  @Test("A sum of 64 KiB of ones loses no carry")
  func ones() {
    let bytes = [UInt8](repeating: 0xff, count: 65_535)
    let sum = NetChecksum.sum(bytes.span, 0..<65_535)
    #expect(NetChecksum.folded(sum) == folded(bytes))
  }

  @Test("RFC 768: a checksum is never 0")
  func neverZero() { #expect(NetChecksum.completed(0xffff) == 0xffff) }

  @Test("A completed checksum is what a receiver expects", arguments: [false, true])
  func completes(_ isVersion6: Bool) {
    let tcp = TCPFrame(isVersion6: isVersion6)
    var bytes = tcp.bytes
    var span = bytes.mutableSpan
    NetChecksum.complete(&span, start: tcp.transport, offset: 16)
    #expect(tcpSum(bytes, network: tcp.network, isVersion6: isVersion6) == 0xffff)
  }

  private func segments(_ tcp: TCPFrame, _ count: UInt16 = 100) throws -> [[UInt8]] {
    let bytes = tcp.bytes
    let cut = try #require(self.cut(bytes, tcp.header(cutTo: count)))
    return (0..<cut.count).map { index in
      var segment = [UInt8](repeating: 0xee, count: cut.byteCount(of: index))
      var span = segment.mutableSpan
      cut.write(index, of: bytes.span, into: &span)
      return segment
    }
  }

  @Test("The payloads of the segments are the payload of the frame, in order")
  func payload() throws {
    let parts = try segments(TCPFrame())
    #expect(parts.map(\.count) == [154, 154, 104])
    #expect(parts.flatMap { $0[54...] } == TCPFrame().payload)
  }

  @Test("Sequence numbers go on across 2^32")
  func sequence() throws {
    let numbers = try segments(TCPFrame()).map { Array($0[38..<42]) }
    #expect(numbers == [[0xff, 0xff, 0xff, 0xf0], [0, 0, 0, 0x54], [0, 0, 0, 0xb8]])
  }

  @Test("Each segment has an IP number and length of its own")
  func version4() throws {
    let parts = try segments(TCPFrame())
    #expect(parts.map { Array($0[18..<20]) } == [[0xff, 0xfe], [0xff, 0xff], [0, 0]])
    #expect(parts.map { Int($0[16]) << 8 | Int($0[17]) } == [140, 140, 90])
  }

  @Test("The IP header's checksum is right in each segment")
  func headerChecksum() throws {
    #expect(try segments(TCPFrame()).allSatisfy { folded(Array($0[14..<34])) == 0xffff })
  }

  @Test("The TCP checksum is right in each segment", arguments: [false, true])
  func tcpChecksum(_ isVersion6: Bool) throws {
    let parts = try segments(TCPFrame(isVersion6: isVersion6))
    #expect(parts.count == 3)
    #expect(parts.allSatisfy { tcpSum($0, network: 14, isVersion6: isVersion6) == 0xffff })
  }

  @Test("FIN and PSH are only in the last segment, CWR only in the first")
  func flags() throws {
    #expect(try segments(TCPFrame()).map { $0[47] } == [0x90, 0x10, 0x19])
  }

  @Test("The payload length of IPv6 is that of the segment")
  func version6() throws {
    let parts = try segments(TCPFrame(isVersion6: true))
    #expect(parts.map { $0[19] } == [120, 120, 70])
  }

  @Test("A VLAN tag stays")
  func tagged() throws {
    let tcp = TCPFrame(tag: [0x81, 0, 0, 5])
    let parts = try segments(tcp)
    #expect(parts.allSatisfy { Array($0[12..<16]) == tcp.tag })
    #expect(parts.allSatisfy { tcpSum($0, network: 18, isVersion6: false) == 0xffff })
  }

  @Test("A frame that fits into one segment becomes one")
  func whole() throws { #expect(try segments(TCPFrame(), 250).count == 1) }

  private func cut(_ bytes: [UInt8], _ header: NetHeader) -> NetSegmentation? {
    NetSegmentation(bytes.span, header)
  }

  @Test("A frame that ends in its headers is refused", arguments: [14, 20, 34, 53, 54])
  func truncated(_ count: Int) {
    #expect(cut(Array(TCPFrame().bytes.prefix(count)), TCPFrame().header(cutTo: 9)) == nil)
  }

  @Test("A frame of the other version than its header says is refused", arguments: [false, true])
  func otherVersion(_ isVersion6: Bool) {
    var header = TCPFrame(isVersion6: isVersion6).header(cutTo: 100)
    header.kind = isVersion6 ? NetHeader.tcp4 : NetHeader.tcp6
    #expect(cut(TCPFrame(isVersion6: isVersion6).bytes, header) == nil)
  }

  @Test("A TCP header elsewhere than behind the IP header is refused")
  func elsewhere() {
    var header = TCPFrame().header(cutTo: 100)
    header.checksumStart += 4
    #expect(cut(TCPFrame().bytes, header) == nil)
  }

  @Test("A checksum that is not TCP's is refused")
  func otherOffset() {
    var header = TCPFrame().header(cutTo: 100)
    header.checksumOffset = 6
    #expect(cut(TCPFrame().bytes, header) == nil)
  }

  @Test("A TCP header shorter than 20 bytes or longer than the frame is refused")
  func tcpLength() {
    var bytes = TCPFrame(payload: [1]).bytes
    bytes[46] = 0x40
    #expect(cut(bytes, TCPFrame().header(cutTo: 1)) == nil)
    bytes[46] = 0xf0
    #expect(cut(bytes, TCPFrame().header(cutTo: 1)) == nil)
  }

  @Test("More segments than the limit are refused")
  func tooMany() {
    let tcp = TCPFrame(payload: pattern(NetLimits.segmentsMax + 1))
    #expect(cut(tcp.bytes, tcp.header(cutTo: 1)) == nil)
    #expect(cut(tcp.bytes, tcp.header(cutTo: 2)) != nil)
  }
}
