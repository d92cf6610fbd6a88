import Devices
import LinuxSystem
import RingDriver
import SharedMemory
import Testing
import Virtio

@Suite("A disk whose engine dies completes each request exactly once")
struct CrashTests {
  @Test(
    "Writes are all done, in order, whatever the number served before the death", arguments: 0...6)
  func writes(_ served: Int) throws {
    let disk = try Disk()
    let log = try Self.log(disk)
    var heads: [UInt16?] = []
    var statuses: [Segment] = []
    for byte in UInt8(1)...6 {
      statuses.append(disk.memory.target(1))
      heads.append(
        disk.driver.offer([
          disk.header(1, UInt64(byte)), disk.memory.source(sectorOf(byte)),
          statuses[statuses.count - 1],
        ]))
    }
    disk.driver.publish()
    var first = try disk.ring(log)
    _ = try disk.model.serve(queue: 0, &first, disk.guest, budget: served)
    var segments = Segments()
    if let loan = try first.next(&segments) { loan.forfeit() }
    var second = try disk.ring(log)
    _ = try disk.model.serve(queue: 0, &second, disk.guest, budget: 32)
    #expect(try disk.driver.reapAll().map(\.head) == heads)
    #expect(statuses.flatMap { disk.memory.content(of: $0) } == [0, 0, 0, 0, 0, 0])
    #expect((1...6).map { disk.sector($0)[0] } == [1, 2, 3, 4, 5, 6])
  }

  private static func log(_ disk: Disk) throws -> InflightLog {
    let byteCount = InflightLog.byteCount(disk.driver.size)
    let file = try SharedFile(
      mapping: try makeMemoryFile("log", byteCount: byteCount), byteCount: byteCount,
      writable: true)
    return InflightLog(file.window(at: 0, byteCount: byteCount), size: disk.driver.size)
  }
}
