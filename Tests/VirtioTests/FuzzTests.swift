import RingDriver
import SharedMemory
import Testing
import Virtio
import TestSupport

@Suite("No bytes in shared memory trap the device")
struct FuzzTests {
  @Test("Random rings of each seed are served or refused", arguments: 0..<64)
  func randomRings(_ seed: UInt64) throws {
    let rig = try Rig(16)
    var random = Dice(seed)
    for _ in 0..<200 { try Self.entry(random.bytes(96), on: rig) }
    #expect(!rig.guest.isTorn)
  }

  @Test("Random in-flight logs of each seed are taken over or refused", arguments: 0..<32)
  func randomLogs(_ seed: UInt64) throws {
    let rig = try Rig(16)
    var random = Dice(seed)
    for _ in 0..<200 {
      rig.logFile.setBytes(random.bytes(rig.logFile.byteCount), at: 0)
      rig.logFile.window(at: 0, byteCount: 16).storeRelaxed(UInt64(0x10_0001), at: 8)
      try Self.entry(random.bytes(96), on: rig)
    }
    #expect(!rig.guest.isTorn)
  }

  /// A fuzz entry: the bytes become descriptors, offers and tables, with a bias to what nearly
  /// works; a device with a log serves them.
  static func entry(_ bytes: [UInt8], on rig: Rig) throws {
    let base = rig.memory.region.guestAddress
    for index in 0..<16 {
      let word = bytes[(index * 6)...].prefix(6).map { UInt64($0) }
      let address = word[0] & 3 == 0 ? word[1] << 56 | word[2] : base + word[1] << 8 + word[2]
      rig.driver.set(
        UInt16(index), address: address,
        count: word[3] & 1 == 0 ? 16 * UInt32(word[3] & 7) : UInt32(word[3]) << 24,
        flags: UInt16(word[4] & 7), next: UInt16(word[5] & 31))
      rig.driver.available.storeRelaxed(UInt16(word[5] >> 3), at: 4 + 2 * index)
    }
    rig.driver.available.storeRelease(UInt16(bytes[0]) << 4, at: SplitLayout.index)
    try? Self.serveAll(rig)
  }

  private static func serveAll(_ rig: Rig) throws {
    var ring = try rig.loggedRing()
    var segments = Segments()
    for _ in 0..<32 {
      guard let loan = try ring.next(&segments) else { break }
      var place = segments.readable(from: 0)
      var header = InlineArray<16, UInt8>(repeating: 0)
      var span = header.mutableSpan
      _ = try? segments.copyOut(&place, into: &span, of: rig.guest)
      ring.settle(loan, written: .max)
    }
    ring.publish()
    _ = ring.shouldInterrupt()
    _ = ring.enableKicks()
  }
}
