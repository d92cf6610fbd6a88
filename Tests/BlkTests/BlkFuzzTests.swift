import Devices
import LinuxSystem
import RingDriver
import SharedMemory
import Testing
import Virtio

@Suite("No bytes of a guest trap a disk")
struct BlkFuzzTests {
  @Test("Random requests of each seed are answered or stop the queue", arguments: 0..<48)
  func randomRequests(_ seed: UInt64) throws {
    let disk = try Disk()
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    for _ in 0..<150 {
      let bytes = (0..<64).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 56)
      }
      Self.entry(bytes, on: disk)
    }
    #expect(!disk.guest.isTorn)
  }

  /// A fuzz entry: the bytes become a header and a chain of buffers, with a bias to what nearly
  /// works.
  static func entry(_ bytes: [UInt8], on disk: Disk) {
    let types: [UInt32] = [0, 1, 4, 8, 11, 13, 7, .max]
    let header = Disk.headerBytes(types[Int(bytes[0] & 7)], UInt64(bytes[1] & 127))
    disk.memory.bytes.setBytes(header + bytes, at: 1 << 21)
    let base = disk.memory.guestAddress(of: 1 << 21).rawValue
    for index in 0..<8 {
      let word = bytes[(8 + index * 6)...].prefix(6).map { $0 }
      let isWild = word[0] & 31 == 0
      disk.driver.set(
        UInt16(index), address: isWild ? UInt64(word[1]) << 30 : base + UInt64(word[1] & 15) << 9,
        count: index == 0 ? 16 : [512, 1, 16, 20, 513, 0, 4096, .max][Int(word[2] & 7)],
        flags: (index > 0 && word[3] & 1 == 1 ? 2 : 0) | (word[4] & 3 == 0 ? 0 : 1),
        next: UInt16(index + 1))
    }
    disk.driver.available.storeRelaxed(UInt16(0), at: SplitLayout.index)
    disk.driver.used.storeRelaxed(UInt16(0), at: SplitLayout.index)
    disk.driver.offerRaw(head: 0)
    guard var ring = try? disk.ring() else { return }
    _ = try? disk.model.serve(queue: 0, &ring, disk.guest, budget: 4)
  }
}
