/// One line of a session's record: a key and its numbers.
struct RecordLine {
  let key: Substring
  let numbers: [UInt64]

  /// Nil for what is no line.
  init?(_ text: String) {
    let words = text.split(separator: " ")
    guard let key = words.first else { return nil }
    let numbers = words.dropFirst().compactMap { UInt64($0) }
    guard numbers.count == words.count - 1 else { return nil }
    self.key = key
    self.numbers = numbers
  }
}
