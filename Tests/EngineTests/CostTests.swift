import LinuxSystem
import SharedMemory
import TestSupport
import Testing

@Suite("What a request costs in the shipped engine", .serialized)
struct CostTests {
  /// What the engine does for a number of wake-ups with as many requests in each: the least of some
  /// series, for on a busy machine a turn may end before all are served.
  private func cost(
    requestsEach count: Int, wakeUps: Int = 20, _ values: [String: String] = [:],
    countingReferences: Bool = false, reading: Bool = true
  ) throws -> Meter.Reading {
    let meter = try Meter()
    let lab = try EngineLab(environment: meter.environment)
    let disk = try lab.disk(values)
    let guest = try Guest.running(disk, size: 1024)
    meter.countsReferences = countingReferences
    defer { meter.countsReferences = false }
    var total = 0
    // The first series: scratch lists find their size.
    let series = try (0...6).map { _ in
      let before = meter.reading
      for _ in 0..<wakeUps {
        total += count
        try serve(count, guest.queues[0], disk, reading, total)
      }
      return meter.reading - before
    }
    return try #require(
      series.dropFirst().min { $0.retains + $0.allocations < $1.retains + $1.allocations })
  }

  /// Has `count` requests served in one wake-up. The record shows when the engine has done with
  /// them; `total` is then the used index.
  private func serve(
    _ count: Int, _ queue: GuestQueue, _ disk: LabDisk, _ reading: Bool, _ total: Int
  ) throws {
    for slot in 0..<count {
      if reading {
        queue.offerRead(sector: 8 * UInt64(slot % 100), slot: slot)
      } else {
        queue.offerWrite([UInt8](repeating: 1, count: 4096), sector: 8, slot: slot)
      }
    }
    try queue.finish(count)
    try disk.waitUntil { $0.queue(0).usedIndex == UInt16(truncatingIfNeeded: total) }
  }

  @Test(
    "Twice the requests take as much memory from the system: none",
    .needs(.releasePrograms))
  func allocations() throws {
    #expect(try cost(requestsEach: 100).allocations == 0)
    #expect(try cost(requestsEach: 200).allocations == 0)
  }

  @Test(
    "Twice the writes take as much memory from the system: none",
    .needs(.releasePrograms))
  func allocationsOfWrites() throws {
    #expect(try cost(requestsEach: 100, reading: false).allocations == 0)
    #expect(try cost(requestsEach: 200, reading: false).allocations == 0)
  }

  @Test(
    "Wake-ups with one request each take no memory from the system",
    .needs(.releasePrograms))
  func allocationsOfWakeUps() throws {
    #expect(try cost(requestsEach: 1, wakeUps: 50).allocations == 0)
  }

  @Test("Requests take no lock")
  func locks() throws {
    #expect(try cost(requestsEach: 200).locks == 0)
  }

  @Test(
    "Twice the requests count as many references, and locks none",
    .needs(.releasePrograms), arguments: ["file", "null"])
  func references(_ backend: String) throws {
    let values = ["backend": backend]
    let once = try cost(requestsEach: 100, values, countingReferences: true)
    let twice = try cost(requestsEach: 200, values, countingReferences: true)
    #expect(once.retains > 0)
    #expect(twice == once)
  }

  @Test(
    "Twice the writes count as many references", .needs(.releasePrograms))
  func referencesOfWrites() throws {
    let once = try cost(requestsEach: 100, countingReferences: true, reading: false)
    let twice = try cost(requestsEach: 200, countingReferences: true, reading: false)
    #expect(once.retains > 0)
    #expect(twice == once)
  }
}
