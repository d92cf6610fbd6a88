import Devices
import Testing
import Virtio

@Suite("No bytes of a guest trap a network card or stop another one")
struct NetFuzzTests {
  @Test("After random deeds of each seed frames still pass", arguments: 0..<32)
  func randomDeeds(_ seed: UInt64) throws {
    let segment = try FuzzSegment()
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    for _ in 0..<200 {
      let bytes = (0..<FuzzSegment.byteCount).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 56)
      }
      segment.entry(bytes)
    }
    let written = try segment.proof()
    #expect(written == [29, 29])
    #expect(segment.cards.allSatisfy { !$0.guest.isTorn })
  }
}
