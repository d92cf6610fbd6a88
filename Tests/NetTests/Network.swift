import LinuxSystem
import NetworkLab
import TestSupport
import Testing

/// Whether taps can be made here. A network namespace takes root.
let canMakeTaps: Bool =
  effectiveUser() == 0 && (try? facts(at: "/dev/net/tun")) != nil
  && (try? inNewNetwork {}) != nil

let noTaps: Comment = "needs root, network namespaces and /dev/net/tun"

/// Runs `body` on a thread that has a network of its own, as have the programs it starts.
func inNewNetwork(_ body: @escaping @Sendable () throws -> Void) throws {
  let box = OutcomeBox()
  let thread = try Thread {
    let answer = lab_enter_new_network()
    guard answer == 0 else { return box.outcome = .failure(Errno(rawValue: -answer)) }
    box.outcome = Result { try body() }
  }
  thread.join()
  try box.outcome.get()
}

/// Written by the thread before it ends, read after that.
private final class OutcomeBox: @unchecked Sendable {
  var outcome: Result<Void, any Error> = .failure(Errno.timedOut)
}
