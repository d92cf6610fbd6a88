internal import VhostUser

/// How far the newest message came, as one line of the record beside the session's own.
///
/// The order is: apply, write the lines with this entry, take the message out of the socket, count
/// it as consumed, send the reply through the keeper. Whoever dies in between leaves enough to
/// tell what is still to do.
struct MessageEntry: Equatable {
  /// How many messages were applied.
  var number: UInt64 = 0
  /// What the newest is to be answered with; empty when nothing.
  var reply: [UInt8] = []

  private static let key = "message"

  var line: String {
    guard !reply.isEmpty else { return "\(Self.key) \(number)" }
    return "\(Self.key) \(number) \(hexadecimalText(reply))"
  }

  init(number: UInt64, reply: Message?) {
    self.number = number
    self.reply = reply?.bytes ?? []
  }

  /// Finds the entry among a record's lines; none means that no message was applied.
  init(in lines: [String]) {
    for line in lines {
      let words = line.split(separator: " ")
      guard words.count >= 2, words[0] == Self.key, let number = UInt64(words[1]) else { continue }
      self.number = number
      reply = words.count > 2 ? bytes(hexadecimal: words[2]) : []
    }
  }
}
