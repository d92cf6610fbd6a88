import LinuxSystem
import TestSupport

/// A bash script that runs on the host beside a test, in the lab's network where it has one.
final class HostScript {
  private let pid: Int32
  private let output: Descriptor
  private var hasEnded = false

  init(_ script: String, in lab: Lab, seconds: Int = 120) throws {
    output = try open(
      "\(lab.folder)/script-\(monotonicNanoseconds())", [.readWrite, .create, .append])
    pid = try startShell(
      lab.entering, in: lab.tree, environment: lab.environment(of: script), output: output,
      seconds: seconds)
  }

  deinit { end() }

  /// Ends a script that serves until it is told to stop.
  func end() {
    guard !hasEnded else { return }
    hasEnded = true
    try? send(signal: Signal.terminate, to: pid)
    _ = try? awaitEnd(of: pid)
  }

  /// Waits until the script has ended.
  func finish(seconds: UInt64 = 60) throws -> Outcome {
    let ended = try awaitAnswer("the script's end", seconds: seconds) { reap(pid) }
    hasEnded = true
    let bytes = try readAgain(output, upTo: 1 << 20)
    return Outcome(ending: ended.ending, text: String(decoding: bytes, as: UTF8.self))
  }
}
