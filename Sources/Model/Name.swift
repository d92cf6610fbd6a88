/// The name of a device, a container or a link. A name that exists is valid.
///
/// It is compared byte by byte: to a file system two spellings of the same letter are two names.
package struct Name: Hashable, Comparable, Sendable {
  package let bytes: [UInt8]

  /// Names stand in socket paths, which hold 107 bytes in all.
  package static let byteCountMax = 64

  /// Accepts 1 to 64 bytes of UTF-8 without control characters, `/` or a leading dot.
  package init(_ bytes: [UInt8]) throws(Refusal) {
    guard bytes.count <= Self.byteCountMax else {
      throw .nameTooLong(byteCount: bytes.count)
    }
    let isPrintable = bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "/") }
    guard let first = bytes.first, first != UInt8(ascii: "."), isPrintable,
      bytes.allSatisfy({ $0 < 0x80 }) || Self.isPrintable(bytes)
    else { throw .nameMalformed }
    self.bytes = bytes
  }

  /// Whether bytes are UTF-8 without the control characters beyond ASCII.
  private static func isPrintable(_ bytes: [UInt8]) -> Bool {
    guard let text = String(validating: bytes, as: UTF8.self) else { return false }
    return !text.unicodeScalars.contains { (0x80..<0xa0).contains($0.value) }
  }

  package init(_ text: String) throws(Refusal) { try self.init(Array(text.utf8)) }

  package var text: String { String(decoding: bytes, as: UTF8.self) }

  package static func < (left: Name, right: Name) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }
}
