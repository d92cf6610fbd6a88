import Devices
import Testing
import Virtio

@Suite("A header before a frame is believed as far as VIRTIO 1.2 section 5.1.6.2 lets it say")
struct NetHeaderTests {
  static let all = FeatureBits.netOffloads
  static let tcp = TCPFrame()

  private func checked(
    _ header: NetHeader, _ features: FeatureBits = all, count: Int = tcp.bytes.count
  ) -> NetHeader? {
    header.checked(frameByteCount: count, from: features)
  }

  private func checked(_ change: (inout NetHeader) -> Void) -> NetHeader? {
    var header = Self.tcp.header(cutTo: 100)
    change(&header)
    return checked(header)
  }

  @Test("Its twelve bytes are read as they were written")
  func bytes() {
    let header = Self.tcp.header(cutTo: 1400)
    let bytes = headerBytes(header)
    let read = NetHeader(bytes.span)
    #expect(read == header)
  }

  @Test("Ten bytes have no count of buffers")
  func legacy() {
    let bytes = [UInt8](repeating: 7, count: 10)
    let read = NetHeader(bytes.span)
    #expect(read.bufferCount == 0)
  }

  @Test("A frame that needs nothing is taken without any feature")
  func plain() { #expect(checked(NetHeader(), []) == NetHeader()) }

  @Test("A checksum to be completed and a frame to be cut are taken")
  func offloads() {
    #expect(checked(Self.tcp.checksumHeader) == Self.tcp.checksumHeader)
    #expect(checked(Self.tcp.header(cutTo: 100)) == Self.tcp.header(cutTo: 100))
  }

  @Test("5.1.6.2.2: flags that a device does not know are ignored")
  func unknownFlags() {
    var header = NetHeader()
    header.flags = 0xfe
    #expect(checked(header, []) == NetHeader())
  }

  @Test("What a driver writes where nothing is asked for goes no further")
  func stale() {
    var header = NetHeader()
    header.checksumStart = 60_000
    header.headerByteCount = 60_000
    header.bufferCount = 3
    #expect(checked(header) == NetHeader())
  }

  @Test("A checksum outside of the frame is refused")
  func outside() {
    let count = Self.tcp.transport + 17
    #expect(checked(Self.tcp.checksumHeader, count: count) == nil)
    #expect(checked(Self.tcp.checksumHeader, count: count + 1) != nil)
  }

  @Test("A checksum whose place overflows 16 bits is refused")
  func overflow() {
    #expect(
      checked {
        $0.checksumStart = 0xffff
        $0.checksumOffset = 0xffff
      } == nil)
  }

  @Test("A checksum over the Ethernet header is refused")
  func tooEarly() { #expect(checked { $0.checksumStart = 13 } == nil) }

  @Test("A checksum without CSUM is refused")
  func notNegotiated() { #expect(checked(Self.tcp.checksumHeader, []) == nil) }

  @Test("A frame to be cut is refused without the feature of its kind")
  func otherKind() {
    let header = Self.tcp.header(cutTo: 100)
    #expect(checked(header, Self.all.subtracting(.netHostTSO4)) == nil)
    #expect(checked(header, Self.all.subtracting(.netHostTSO6)) != nil)
  }

  @Test("ECN is refused without its feature, and without anything to cut")
  func ecn() {
    var header = Self.tcp.header(cutTo: 100)
    header.kind |= NetHeader.ecn
    #expect(checked(header) != nil)
    #expect(checked(header, Self.all.subtracting(.netHostECN)) == nil)
    #expect(checked { $0.kind = NetHeader.ecn } == nil)
  }

  @Test("UDP and unknown kinds are refused", arguments: [2, 3, 5, 6, 0x7f] as [UInt8])
  func kinds(_ kind: UInt8) { #expect(checked { $0.kind = kind } == nil) }

  @Test("A frame to be cut to nothing is refused")
  func noSize() { #expect(checked { $0.segmentByteCount = 0 } == nil) }

  @Test("A frame to be cut without a checksum to be made is refused")
  func noChecksum() { #expect(checked { $0.flags = 0 } == nil) }

  @Test("A header longer than the frame is refused")
  func longHeader() { #expect(checked { $0.headerByteCount = 9000 } == nil) }
}
