import Testing

/// A change that is refused: what leads up to it, what the tool says, and the reason given.
struct Refused: Sendable, CustomTestStringConvertible {
  let title: String
  let setup: String
  let command: String
  let says: String
  let reason: String

  var testDescription: String { title }

  init(
    _ title: String, after setup: String = ":", _ command: String, _ says: String, _ reason: String
  ) {
    self.title = title
    self.setup = setup
    self.command = command
    self.says = says
    self.reason = reason
  }
}
