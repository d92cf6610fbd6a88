import LinuxSystem
import TestSupport

/// A process that may die at any moment.
enum Victim: String, Sendable {
  case control, engine

  /// The process's number now; `nil` while there is none.
  func pid(in lab: Lab) -> Int32? {
    let path =
      switch self {
      case .control: lab.runtime + "/control.pid"
      case .engine: lab.tree + "/containers/lab0/engine/pid"
      }
    guard let bytes = try? readFile(path) else { return nil }
    return Int32(String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
  }
}

extension Lab {
  /// Kills a process again and again, each time at a random moment of its life, and waits until its
  /// successor runs.
  func kill(_ victim: Victim, times: Int, _ dice: inout Dice) throws {
    for _ in 0..<times {
      let pid = try awaitAnswer("\(victim) to run") { victim.pid(in: self) }
      pause(milliseconds: dice.roll(upTo: 300))
      try send(signal: Signal.kill, to: pid)
      _ = try awaitAnswer("\(victim)'s successor") { victim.pid(in: self) != pid ? true : nil }
    }
    _ = try awaitAnswer("\(victim) to run") { victim.pid(in: self) }
  }
}
