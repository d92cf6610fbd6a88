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
    let digits = reply.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    return "\(Self.key) \(number) \(digits)"
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
      reply = words.count > 2 ? Self.bytes(words[2]) : []
    }
  }

  private static func bytes(_ digits: Substring) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = Array(digits.utf8)[...]
    while rest.count >= 2 {
      guard let byte = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
        return bytes
      }
      bytes.append(byte)
      rest = rest.dropFirst(2)
    }
    return bytes
  }
}
