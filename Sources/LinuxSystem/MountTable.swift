/// A mount as /proc/self/mountinfo tells it (proc(5)). Reading it touches no mounted file system,
/// so it does not wait for one.
package struct MountEntry: Sendable, Equatable {
  package let mountPoint: String
  package let type: String
  package let source: String
  /// What stat(2) calls `st_dev` in it.
  package let fileSystem: UInt64

  /// The newest mount at exactly this path.
  package static func at(_ path: String) throws(Errno) -> MountEntry? {
    let text = String(decoding: try readFile("/proc/self/mountinfo"), as: UTF8.self)
    return text.split(separator: "\n").reversed().lazy.compactMap { MountEntry(line: $0) }
      .first { $0.mountPoint == path }
  }

  /// `36 35 98:0 /root /mount options [optional…] - type source …`
  init?(line: Substring) {
    let fields = line.split(separator: " ").map(Self.unescaped)
    guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 2 else {
      return nil
    }
    let numbers = fields[2].split(separator: ":").compactMap { UInt64($0) }
    guard numbers.count == 2 else { return nil }
    mountPoint = fields[4]
    type = fields[dash + 1]
    source = fields[dash + 2]
    fileSystem = Self.deviceNumber(major: numbers[0], minor: numbers[1])
  }

  /// makedev(3).
  private static func deviceNumber(major: UInt64, minor: UInt64) -> UInt64 {
    (major & 0xffff_f000) << 32 | (major & 0xfff) << 8 | (minor & 0xffff_ff00) << 12
      | minor & 0xff
  }

  /// Undoes the octal escapes: `\040` is a space.
  private static func unescaped(_ field: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(field.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      if byte == UInt8(ascii: "\\"), digits.count == 3,
        let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
      {
        bytes.append(code)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
