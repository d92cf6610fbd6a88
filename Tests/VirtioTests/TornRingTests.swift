import LinuxSystem
import RingDriver
import SharedMemory
import Testing
import Virtio

@Suite("A ring in torn memory stops")
struct TornRingTests {
  @Test("Torn memory lends nothing, and what was settled on it is not published")
  func torn() throws {
    let path = "/dev/shm/vbusfs-ring-\(monotonicNanoseconds())"
    let file = try open(path, [.readWrite, .create, .exclusive])
    try unlink(path)
    try resize(file, to: 8192)
    let memory = GuestMemory()
    let region = MemoryRegion(
      guestAddress: 0, userAddress: 0x1000_0000, byteCount: 8192, fileOffset: 0)
    try memory.add(region, of: file)
    let ours = try SharedFile(mapping: file, byteCount: 4096, writable: true)
    let offers = ours.window(at: 1024, byteCount: 64)
    offers.storeRelease(UInt16(1), at: SplitLayout.index)
    var ring = try SplitRing(
      size: try #require(QueueSize(4)),
      at: SplitAddresses(
        descriptors: 0x1000_0000, available: 0x1000_0400, used: 0x1000_0800), memory: memory,
      start: 0, features: .splitRing)
    var segments = Segments()
    let loan = try ring.take(&segments)
    try resize(file, to: 4096)
    try memory.fillZero(GuestAddress(4096), 1)
    ring.settle(loan, written: 0)
    ring.publish()
    let published = ours.window(at: 2048, byteCount: 64).relaxed16(at: SplitLayout.index)
    #expect(published == 0)
    var fault: RingFault?
    do { try ring.next(&segments)?.forfeit() } catch { fault = error }
    #expect(fault == .memoryTorn)
  }
}
