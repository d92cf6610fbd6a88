/// What texts an attribute takes, and the one form in which each value is kept and shown.
package enum ValueKind: Hashable, Sendable {
  /// Bytes; K, M, G and T count in steps of 1024. Shown as plain bytes.
  case size(ClosedRange<UInt64>, multipleOf: UInt64)
  case number(ClosedRange<UInt64>)
  /// Shown as 0 or 1.
  case boolean
  case choice([String])
  /// An absolute path; empty for none.
  case path
  /// Printable ASCII, up to so many bytes; may be empty.
  case text(byteCountMax: Int)
  /// The address of one network card, as `02:1a:ff:00:12:34`.
  case mac(mayBeEmpty: Bool)
  /// What the kernel calls a network interface. A pattern's `%d` becomes the first free number.
  case interfaceName(mayBePattern: Bool, mayBeEmpty: Bool)

  /// The longest path the kernel takes, PATH_MAX without its final NUL.
  package static let pathByteCountMax = 4095

  /// Answers the canonical form, or says what is accepted.
  package func canonical(_ text: String) throws(Refusal) -> String {
    let result: String? =
      switch self {
      case .size(let range, let unit): Self.size(text, range, unit)
      case .number(let range): Self.decimal(text, range)
      case .boolean: Self.boolean(text).map { $0 ? "1" : "0" }
      case .choice(let choices): choices.first { $0 == text }
      case .path: Self.path(text)
      case .text(let byteCountMax): Self.printable(text, byteCountMax)
      case .mac(let mayBeEmpty):
        text.isEmpty ? (mayBeEmpty ? "" : nil) : MACAddress(text)?.text
      case .interfaceName(let mayBePattern, let mayBeEmpty):
        text.isEmpty ? (mayBeEmpty ? "" : nil) : Self.interfaceName(text, mayBePattern)
      }
    guard let result else { throw .malformed(accepted: accepted) }
    return result
  }

  /// What is accepted, for `values` and `last_error`.
  package var accepted: String {
    switch self {
    case .size(let range, let unit):
      "bytes from \(range.lowerBound) to \(range.upperBound)"
        + (unit > 1 ? ", a multiple of \(unit)" : "") + "; K, M, G and T multiply by 1024"
    case .number(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .boolean: "0 or 1 (also n or y, off or on)"
    case .choice(let choices): choices.joined(separator: " ")
    case .path: "an absolute path of at most \(Self.pathByteCountMax) bytes, or nothing"
    case .text(let count): "up to \(count) printable ASCII characters"
    case .mac(let mayBeEmpty):
      "six bytes in hexadecimal, 02:00:00:00:00:01; the first is even, for a card's own address"
        + (mayBeEmpty ? "; or nothing" : "")
    case .interfaceName(let mayBePattern, let mayBeEmpty):
      "up to \(Self.interfaceNameByteCountMax) printable ASCII characters without / : % and spaces"
        + (mayBePattern ? "; %d once, for the first free number" : "")
        + (mayBeEmpty ? "; or nothing" : "")
    }
  }

  /// The spellings of yes and no that configuration files know.
  package static func boolean(_ text: String) -> Bool? {
    switch text {
    case "1", "y", "Y", "yes", "on", "true": true
    case "0", "n", "N", "no", "off", "false": false
    default: nil
    }
  }

  private static func decimal(_ text: String, _ range: ClosedRange<UInt64>) -> String? {
    guard let value = digits(text[...]), range.contains(value) else { return nil }
    return String(value)
  }

  private static func size(
    _ text: String, _ range: ClosedRange<UInt64>, _ unit: UInt64
  ) -> String? {
    // By letter, not by upper case: that of a single letter may be two, which are no Character.
    let steps: [Character: UInt64] = [
      "K": 10, "k": 10, "M": 20, "m": 20, "G": 30, "g": 30, "T": 40, "t": 40,
    ]
    let shift = text.last.flatMap { steps[$0] }
    guard let count = digits(shift == nil ? text[...] : text.dropLast()) else { return nil }
    let (value, overflowed) = count.multipliedReportingOverflow(by: 1 << (shift ?? 0))
    guard !overflowed, range.contains(value), value.isMultiple(of: unit) else { return nil }
    return String(value)
  }

  /// Digits alone: no sign, which `UInt64.init` would take.
  private static func digits(_ text: Substring) -> UInt64? {
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return UInt64(text)
  }

  private static func path(_ text: String) -> String? {
    let isLegal = text.isEmpty || text.utf8.first == UInt8(ascii: "/")
    return isLegal && text.utf8.count <= pathByteCountMax ? text : nil
  }

  private static func printable(_ text: String, _ byteCountMax: Int) -> String? {
    let isPrintable = text.utf8.allSatisfy { (0x20...0x7e).contains($0) }
    return isPrintable && text.utf8.count <= byteCountMax ? text : nil
  }
}
