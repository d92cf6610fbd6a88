internal import BenchTwins
internal import LinuxSystem
internal import SharedMemory
internal import Virtio

/// The device's half of a ring, ours and in C, under one driver.
///
///     RingBench time SERIES BATCHES        nanoseconds per descriptor, sides alternating
///     RingBench count SIDE BATCHES         works and ends: for a tool that counts instructions
///
/// A side is ours, twin, ours-logged or twin-logged.
@main
enum RingBench {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard arguments.count == 3, let command = arguments.first, let batches = Int(arguments[3])
    else { throw Misuse() }
    let stage = try Stage()
    switch (command, Int(arguments[2]), Side(rawValue: arguments[2])) {
    case ("time", let series?, _): try time(stage, series: series, batches: batches)
    case ("count", _, let side?): _ = try stage.work(side, batches: batches)
    default: throw Misuse()
    }
  }

  /// One line a series and side, the sides in turn, so that a noisy moment meets all of them.
  private static func time(_ stage: Stage, series: Int, batches: Int) throws {
    for side in Side.allCases { _ = try stage.work(side, batches: batches / 4 + 1) }
    for _ in 0..<series {
      for side in Side.allCases {
        let spent = try stage.work(side, batches: batches)
        let descriptors = batches * stage_chain_count * stage_chain_length
        print(side.rawValue, Double(spent) / Double(descriptors))
      }
    }
  }
}

/// Whose device side, and whether it keeps a log of requests in flight.
enum Side: String, CaseIterable {
  case ours
  case twin
  case oursLogged = "ours-logged"
  case twinLogged = "twin-logged"

  var logs: Bool { self == .oursLogged || self == .twinLogged }
}

struct Misuse: Error {}
/// A device side broke off, or did not do what it was asked.
struct Broken: Error {}
