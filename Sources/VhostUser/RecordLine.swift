/// One line of a session record: a key, its value, then pairs of names and values.
struct RecordLine {
  let key: Substring
  private let words: [Substring]
  private let number: Int

  init(_ text: String, number: Int) {
    words = text.split(separator: " ")
    key = words.first ?? ""
    self.number = number
  }

  var malformed: SessionFault { .malformedRecord(line: number) }

  func has(_ name: String) -> Bool { text(name) != nil }

  /// The value right behind the key.
  func value<Value: FixedWidthInteger>(_: Value.Type) throws(SessionFault) -> Value {
    guard words.count > 1, let value = Value(recorded: words[1]) else { throw malformed }
    return value
  }

  /// The value behind a name.
  func number<Value: FixedWidthInteger>(
    _ name: String, _: Value.Type
  ) throws(SessionFault) -> Value {
    guard let text = text(name), let value = Value(recorded: text) else { throw malformed }
    return value
  }

  func doorbell(_ name: String) throws(SessionFault) -> Doorbell {
    guard let text = text(name), let bell = Doorbell(rawValue: String(text)) else {
      throw malformed
    }
    return bell
  }

  private func text(_ name: String) -> Substring? {
    guard words.count > 2,
      let index = stride(from: 2, to: words.count - 1, by: 2).first(where: { words[$0] == name })
    else { return nil }
    return words[index + 1]
  }
}

extension FixedWidthInteger {
  /// Decimal, or hexadecimal with `0x`.
  fileprivate init?(recorded text: Substring) {
    if text.hasPrefix("0x") {
      self.init(text.dropFirst(2), radix: 16)
    } else {
      self.init(text, radix: 10)
    }
  }
}
