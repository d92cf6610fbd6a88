import LinuxSystem
import NetworkLab
import TestSupport
import Testing

/// Whether taps can be made here. A network namespace takes root.
let canMakeTaps: Bool =
  effectiveUser() == 0 && (try? facts(at: "/dev/net/tun")) != nil
  && (try? inNewNetwork {}) != nil

let noTaps: Comment = "needs root, network namespaces and /dev/net/tun"

/// Runs `body` on a thread that has a network of its own, as have the programs it starts. The
/// thread's rights are its own too.
func inNewNetwork<Outcome: Sendable>(
  _ body: @escaping @Sendable () throws -> Outcome
) throws -> Outcome {
  let box = OutcomeBox<Outcome>()
  let thread = try Thread {
    let answer = lab_enter_new_network()
    guard answer == 0 else { return box.outcome = .failure(Errno(rawValue: -answer)) }
    box.outcome = Result { try body() }
  }
  thread.join()
  return try box.outcome.get()
}

/// Written by the thread before it ends, read after that.
private final class OutcomeBox<Outcome: Sendable>: @unchecked Sendable {
  var outcome: Result<Outcome, any Error> = .failure(Errno.timedOut)
}

/// Runs a script in the thread's network; answers what it prints.
@discardableResult
func run(_ script: String) throws -> String {
  let outcome = try shell(script)
  guard outcome.succeeded else { throw Overdue(description: outcome.text) }
  return outcome.text
}
