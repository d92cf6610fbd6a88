/// CRC-32 as Ethernet has it: finds every burst of errors of up to 32 bits, and by chance misses
/// one of four thousand million others. It keeps out noise, not liars.
package enum Checksum {
  private static let table: [UInt32] = (0..<256).map { (index: UInt32) in
    (0..<8).reduce(index) { sum, _ in sum & 1 == 0 ? sum >> 1 : 0xedb8_8320 ^ sum >> 1 }
  }

  package static func of(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let table = table
    var sum = UInt32.max
    for byte in bytes { sum = table[Int((sum ^ UInt32(byte)) & 0xff)] ^ sum >> 8 }
    return ~sum
  }
}
