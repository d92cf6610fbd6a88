/// Bytes that somebody else chose, as one line of printable ASCII: everything else, and the
/// backslash, becomes an escape. What goes beyond `limit` bytes is cut, with three dots.
func escaped(_ bytes: [UInt8], limit: Int = 256) -> String {
  var text = ""
  for byte in bytes.prefix(limit) {
    switch byte {
    case UInt8(ascii: "\n"): text += "\\n"
    case UInt8(ascii: "\t"): text += "\\t"
    case UInt8(ascii: "\\"): text += "\\\\"
    case 0x20...0x7e: text.unicodeScalars.append(Unicode.Scalar(byte))
    default: text += "\\x" + hex(UInt64(byte), width: 2)
    }
  }
  return bytes.count > limit ? text + "..." : text
}

/// Lower-case hexadecimal digits, with zeros before them up to `width`.
func hex(_ value: UInt64, width: Int = 1) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
