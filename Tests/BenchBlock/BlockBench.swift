internal import BenchTwins
internal import LinuxSystem

/// One driver on several disks of different back ends, which take turns.
///
///     BlockBench ROUNDS MILLISECONDS NAME SOCKET PID [NAME SOCKET PID]…
///
/// Prints a line a round, workload and back end: the workload, the name, requests per second, and
/// nanoseconds of processor time that the back end's process spent on each. Processor 0 is the
/// driver's and 1 the back end's; the workloads that wait for interrupts have both on 1.
@main
enum BlockBench {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard arguments.count > 2, arguments.count % 3 == 2,
      let rounds = Int(arguments[1]), let milliseconds = UInt64(arguments[2])
    else { throw Misuse() }
    let disks = try stride(from: 3, to: arguments.count, by: 3).map { place in
      guard let pid = Int32(arguments[place + 2]) else { throw Misuse() }
      return try Disk(arguments[place], at: arguments[place + 1], of: pid)
    }
    for workload in Workload.all {
      guard pin_process(0, workload.polls ? 0 : 1) == 0 else { throw Misuse() }
      for disk in disks { _ = try disk.run(workload, milliseconds: milliseconds / 4) }
      for _ in 0..<rounds {
        for disk in disks { try report(disk, workload, milliseconds) }
      }
    }
  }

  private static func report(
    _ disk: Disk, _ workload: Workload, _ milliseconds: UInt64
  ) throws {
    let spent = process_nanoseconds(disk.pid)
    let start = monotonicNanoseconds()
    let requests = try disk.run(workload, milliseconds: milliseconds)
    let seconds = Double(monotonicNanoseconds() - start) / 1e9
    let each = Double(process_nanoseconds(disk.pid) - spent) / Double(requests)
    print(workload.name, disk.name, Int(Double(requests) / seconds), Int(each))
  }
}

/// What a driver asks of a disk.
struct Workload {
  let name: String
  let byteCount: Int
  let depth: Int
  let isWrite: Bool
  let isRandom: Bool
  /// Looks at the used ring all the time, or sleeps until the back end interrupts.
  let polls: Bool

  static let all = [
    Workload(
      name: "read-4k-qd1-sleeping", byteCount: 4096, depth: 1, isWrite: false, isRandom: true,
      polls: false),
    Workload(
      name: "read-4k-qd1", byteCount: 4096, depth: 1, isWrite: false, isRandom: true, polls: true),
    Workload(
      name: "read-4k-qd32", byteCount: 4096, depth: 32, isWrite: false, isRandom: true,
      polls: true),
    Workload(
      name: "write-4k-qd1", byteCount: 4096, depth: 1, isWrite: true, isRandom: true, polls: true),
    Workload(
      name: "write-4k-qd32", byteCount: 4096, depth: 32, isWrite: true, isRandom: true,
      polls: true),
    Workload(
      name: "read-128k-qd8", byteCount: 131_072, depth: 8, isWrite: false, isRandom: false,
      polls: true),
    Workload(
      name: "write-128k-qd8", byteCount: 131_072, depth: 8, isWrite: true, isRandom: false,
      polls: true),
  ]
}

struct Misuse: Error {}
/// A request failed, or came back to nobody.
struct Failed: Error {}
