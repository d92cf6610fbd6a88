internal import LinuxSystem

/// Something that a test waited for did not come in time.
package struct Overdue: Error, CustomStringConvertible {
  package let description: String
  package init(description: String) { self.description = description }
}

/// Asks again and again until there is an answer.
package func awaitAnswer<Answer>(
  _ what: String, seconds: UInt64 = 20, _ ask: () throws -> Answer?
) throws -> Answer {
  let deadline = monotonicNanoseconds() + seconds * 1_000_000_000
  while monotonicNanoseconds() < deadline {
    if let answer = try ask() { return answer }
    pause(milliseconds: 2)
  }
  throw Overdue(description: "waited \(seconds) seconds for \(what)")
}
