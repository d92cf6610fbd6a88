/// The address of one network card. A value that exists is unicast and not all zeros.
package struct MACAddress: Hashable, Sendable {
  /// Six, in the order of the wire.
  package let bytes: [UInt8]

  /// Refuses what is not six bytes, what addresses a group of cards, and zero, which means none.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == 6, bytes[0] & 1 == 0, bytes.contains(where: { $0 != 0 }) else {
      return nil
    }
    self.bytes = bytes
  }

  /// Takes `02:1a:ff:00:12:34`, upper case too.
  package init?(_ text: String) {
    let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard parts.count == 6, parts.allSatisfy({ $0.count == 2 && $0.allSatisfy(Self.isDigit) })
    else { return nil }
    self.init(parts.compactMap { UInt8(String(decoding: $0, as: UTF8.self), radix: 16) })
  }

  /// Not by its radix alone: `UInt8.init` takes a sign.
  private static func isDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
      UInt8(ascii: "A")...UInt8(ascii: "F"):
      true
    default: false
    }
  }

  /// `02:1a:ff:00:12:34`, in lower case.
  package var text: String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
  }

  /// One that no manufacturer gives out: locally administered, the rest drawn.
  package static func random(
    using generator: inout some RandomNumberGenerator
  ) -> MACAddress? {
    let drawn = (0..<6).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    return MACAddress([drawn[0] & 0xfc | 0x02] + drawn.dropFirst())
  }
}
