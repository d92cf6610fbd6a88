import StreamLink
import TestSupport
import Testing
import VbusLink

@Suite("A message of the stream protocol")
struct MessageTests {
  static let all: [StreamMessage] = [
    .open(tag: 1, id: 2, version: 3), .close(tag: 1, DeviceHandle(rawValue: 1 << 40)),
    .call(tag: 7, DeviceHandle(rawValue: 5), function: 0x100, flags: 1, data: [1, 2, 3]),
    .share(
      tag: 1,
      StreamShare(
        handle: DeviceHandle(rawValue: 1), id: 2, priority: 3, kind: .ioq(size: 4, .toDevice))),
    .share(
      tag: 1,
      StreamShare(
        handle: DeviceHandle(rawValue: 1), id: 2, priority: 3, kind: .ioq(size: 4, .fromDevice))),
    .share(
      tag: 1,
      StreamShare(
        handle: DeviceHandle(rawValue: 1), id: 2, priority: 3, kind: .virtqueue(size: 4))),
    .share(
      tag: 1,
      StreamShare(
        handle: DeviceHandle(rawValue: 1), id: 256, priority: 0,
        kind: .bytes(byteCount: 16, signalOffset: 0))),
    .share(
      tag: 1,
      StreamShare(
        handle: DeviceHandle(rawValue: 1), id: 100, priority: 0,
        kind: .bytes(byteCount: 16, signalOffset: nil))),
    .untold(tag: 9), .ring(share: 4),
    .chain(StreamChain(share: 1, number: 2, readable: 3, writable: 4, last: 5)),
    .chain(
      StreamChain(
        share: 1, number: 2, readable: 3, writable: 4, last: 255,
        pool: StreamChain.Pool(share: 6, offset: 7))),
    .hello(formats: 3), .reply(tag: 1, errno: nil, value: 5, data: []),
    .reply(tag: 1, errno: .busy, value: 0, data: [9]),
    .event(.deviceAdded(id: 4, type: "virtio-blk")), .event(.deviceDropped(id: 4)),
    .done(share: 1, chain: 2, written: 3, last: 4), .raised(share: 1),
    .data(share: 1, chain: 2, [5]), .bye("for a reason"),
  ]

  @Test("Each means the same after its way", arguments: all)
  func roundTrip(message: StreamMessage) { #expect(StreamMessage(message.bytes) == message) }

  @Test(
    "One that is cut short means nothing or something shorter, and stops nobody", arguments: all)
  func cutShort(message: StreamMessage) {
    for count in 0..<message.bytes.count {
      #expect(StreamMessage(Array(message.bytes.prefix(count))) != message)
    }
  }

  @Test("A message of fixed length with a byte too many is refused")
  func tooLong() {
    #expect(StreamMessage(StreamMessage.untold(tag: 1).bytes + [0]) == nil)
    #expect(StreamMessage(StreamMessage.raised(share: 1).bytes + [0]) == nil)
  }

  @Test("No bytes and an unknown number are refused")
  func unknown() {
    #expect(StreamMessage([]) == nil)
    for number in [0, 8, 31, 37, 63, 66, 255] as [UInt8] { #expect(StreamMessage([number]) == nil) }
  }

  @Test("A chain longer than any is refused")
  func longChain() {
    let chain = StreamChain(share: 1, number: 1, readable: 1 << 24, writable: 1)
    #expect(StreamMessage(StreamMessage.chain(chain).bytes) == nil)
  }

  @Test("Data of nothing is refused")
  func emptyData() {
    #expect(StreamMessage(StreamMessage.data(share: 1, chain: 1, []).bytes) == nil)
  }

  @Test("Random bytes never stop the reader")
  func random() {
    var dice = Dice(8)
    var understood = 0
    for _ in 0..<20_000 {
      if StreamMessage(dice.bytes(dice.below(64))) != nil { understood += 1 }
    }
    #expect(understood < 20_000)
  }

  @Test("The checksum is Ethernet's")
  func checksum() { #expect(Checksum.of(Array("123456789".utf8)) == 0xcbf4_3926) }
}
