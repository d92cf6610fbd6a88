import Devices
import Testing

/// A queue for tests, which cannot change values where they expect something of them.
private final class HeldQueue {
  var queue = FrameQueue()

  init(_ byteCount: Int) { queue.open(byteCount: byteCount) }

  func add(_ bytes: [UInt8], _ header: NetHeader = NetHeader()) -> Bool {
    queue.append(header, bytes.span)
  }

  /// Takes the oldest frame out.
  func next() -> [UInt8]? {
    guard let place = queue.first else { return nil }
    queue.removeFirst()
    return Array(queue.bytes[place.range])
  }
}

@Suite("A frame queue keeps frames whole, in order, and in its memory")
struct FrameQueueTests {
  private func queue(_ byteCount: Int = 256) -> HeldQueue { HeldQueue(byteCount) }

  @Test("Frames come out as they went in, oldest first")
  func order() {
    let queue = queue()
    #expect(queue.add(pattern(20)))
    #expect(queue.add(pattern(33)))
    #expect(queue.next() == pattern(20))
    #expect(queue.next() == pattern(33))
    #expect(queue.next() == nil)
  }

  @Test("A frame's header comes with it")
  func header() {
    let queue = queue()
    let header = TCPFrame().header(cutTo: 99)
    #expect(queue.add(pattern(20), header))
    #expect(queue.queue.first?.header == header)
  }

  @Test("A frame that does not fit is refused and changes nothing")
  func full() {
    let queue = queue()
    #expect(queue.add(pattern(200)))
    #expect(!queue.add(pattern(33)))
    #expect(queue.queue.count == 1)
    #expect(queue.next() == pattern(200))
  }

  @Test("A queue that is not open takes nothing")
  func closed() {
    let queue = queue()
    queue.queue.close()
    #expect(!queue.add(pattern(1)))
    #expect(queue.queue.first == nil)
  }

  @Test("Room at the start is used when there is none at the end")
  func wraps() {
    let queue = queue()
    #expect(queue.add(pattern(100)))
    #expect(queue.add(pattern(80)))
    #expect(queue.next() == pattern(100))
    #expect(queue.add(pattern(90)))
    #expect(!queue.add(pattern(1)))
    #expect(queue.next() == pattern(80))
    #expect(queue.next() == pattern(90))
    #expect(queue.add(pattern(240)))
  }

  @Test("Removing everything makes room for all again")
  func removesAll() {
    let queue = queue()
    #expect(queue.add(pattern(200)))
    queue.queue.removeAll()
    #expect(queue.add(pattern(240)))
  }

  @Test(
    "Random frames of each seed come out as they went in", arguments: 1...16 as ClosedRange<UInt64>)
  func random(_ seed: UInt64) {
    let queue = queue(4096)
    var expected: [[UInt8]] = []
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    for _ in 0..<4000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let count = Int(state >> 40) % 900
      if state >> 63 == 1 {
        let bytes = pattern(count + Int(state >> 60))
        if queue.add(bytes) { expected.append(bytes) }
      } else {
        #expect(queue.next() == (expected.isEmpty ? nil : expected.removeFirst()))
      }
      #expect(queue.queue.count == expected.count)
    }
  }
}
