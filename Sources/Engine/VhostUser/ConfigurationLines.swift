/// The configuration space in lines of a record: what a guest wrote into it, `config 32 00`, and
/// all of it as the guest was last told of it, `shown 0008…`.
enum ConfigurationLines {
  private static let key = "config"
  private static let shownKey = "shown"

  static func lines(_ writes: [Int: [UInt8]], shown: [UInt8]) -> [String] {
    ["\(shownKey) \(hexadecimalText(shown))"]
      + writes.sorted { $0.key < $1.key }.map { "\(key) \($0.key) \(hexadecimalText($0.value))" }
  }

  static func shown(in lines: [String]) -> [UInt8]? {
    lines.first { $0.hasPrefix(shownKey + " ") }
      .map { bytes(hexadecimal: $0.dropFirst(shownKey.count + 1)) }
  }

  static func writes(in lines: [String]) -> [(offset: Int, bytes: [UInt8])] {
    lines.compactMap { line in
      let words = line.split(separator: " ")
      guard words.count == 3, words[0] == key, let offset = Int(words[1]) else { return nil }
      return (offset, bytes(hexadecimal: words[2]))
    }
  }
}

/// Two digits for each byte.
func hexadecimalText(_ bytes: [UInt8]) -> String {
  var digits: [UInt8] = []
  digits.reserveCapacity(2 * bytes.count)
  for byte in bytes {
    digits.append(hexadecimalDigit(byte >> 4))
    digits.append(hexadecimalDigit(byte & 15))
  }
  return String(decoding: digits, as: UTF8.self)
}

private func hexadecimalDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}

/// The bytes of such a text, up to the first pair that is none.
func bytes(hexadecimal digits: Substring) -> [UInt8] {
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
