import LinuxSystem
import TestSupport
import Testing

@Suite("What a frame costs in the shipped engine", .serialized)
struct FrameCostTests {
  /// The least of some series of wake-ups with `count` frames in each, which come back.
  private func cost(framesEach count: Int, countingReferences: Bool = false) throws
    -> Meter.Reading
  {
    let meter = try Meter()
    let lab = try EngineLab(environment: meter.environment)
    let card = try LabCard(in: lab)
    meter.countsReferences = countingReferences
    defer { meter.countsReferences = false }
    var total = 0
    // The first series: scratch lists find their size.
    let series = try (0...6).map { _ in
      let before = meter.reading
      for _ in 0..<20 {
        total += count
        try card.exchange(count, total: total)
      }
      return meter.reading - before
    }
    return try #require(
      series.dropFirst().min { $0.retains + $0.allocations < $1.retains + $1.allocations })
  }

  @Test(
    "Twice the frames take as much memory from the system: none",
    .needs(.releasePrograms))
  func allocations() throws {
    #expect(try cost(framesEach: 16).allocations == 0)
    #expect(try cost(framesEach: 32).allocations == 0)
  }

  @Test("Frames take no lock")
  func locks() throws {
    #expect(try cost(framesEach: 32).locks == 0)
  }

  @Test(
    "Twice the frames count as many references",
    .needs(.releasePrograms))
  func references() throws {
    let once = try cost(framesEach: 15, countingReferences: true)
    let twice = try cost(framesEach: 30, countingReferences: true)
    #expect(once.retains > 0)
    #expect(twice.retains == once.retains)
  }
}
