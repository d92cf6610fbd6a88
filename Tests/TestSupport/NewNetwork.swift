internal import LinuxSystem
internal import NetworkLab

/// Runs `body` on a thread that has a network of its own, as have the programs it starts. The
/// thread's rights are its own too. Needs root.
package func inNewNetwork<Value: Sendable>(
  _ body: @escaping @Sendable () throws -> Value
) throws -> Value {
  let box = ResultBox<Value>()
  let thread = try Thread {
    let answer = lab_enter_new_network()
    guard answer == 0 else { return box.result = .failure(Errno(rawValue: -answer)) }
    box.result = Result { try body() }
  }
  thread.join()
  return try box.result.get()
}

/// Written by the thread before it ends, read after that.
private final class ResultBox<Value: Sendable>: @unchecked Sendable {
  var result: Result<Value, any Error> = .failure(Errno.timedOut)
}

/// Runs a script in the thread's network; answers what it prints. Throws when it fails.
@discardableResult
package func run(_ script: String) throws -> String {
  let outcome = try shell(script)
  guard outcome.succeeded else { throw Overdue(description: outcome.text) }
  return outcome.text
}
