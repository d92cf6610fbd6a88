extension ValueKind {
  /// IFNAMSIZ without the final NUL.
  package static let interfaceNameByteCountMax = 15

  /// The kernel's own rules for the name of an interface, and printable ASCII alone: others could
  /// not tell two such names apart.
  static func interfaceName(_ text: String, _ mayBePattern: Bool) -> String? {
    let bytes = Array(text.utf8)
    guard (1...interfaceNameByteCountMax).contains(bytes.count), text != ".", text != ".." else {
      return nil
    }
    let forbidden = [UInt8(ascii: "/"), UInt8(ascii: ":")]
    guard bytes.allSatisfy({ (0x21...0x7e).contains($0) && !forbidden.contains($0) }) else {
      return nil
    }
    let places = bytes.indices.filter { bytes[$0] == UInt8(ascii: "%") }
    guard let place = places.first else { return text }
    // More than one, or one before another letter, the kernel takes for nothing.
    let isPattern = places.count == 1 && bytes[place...].dropFirst().first == UInt8(ascii: "d")
    return mayBePattern && isPattern ? text : nil
  }
}
