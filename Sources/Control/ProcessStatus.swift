internal import LinuxSystem

/// The lines of /proc/<pid>/status (proc(5)); none when the process is gone.
struct ProcessStatus {
  /// Bytes, not characters: this is read for each write, and there are sixty lines.
  private let bytes: [UInt8]

  init(_ pid: Int32) { bytes = (try? readFile("/proc/\(pid)/status")) ?? [] }

  /// The words that follow a name, `Groups:`. What lies behind its line is not looked at.
  func words(_ name: String) -> [String] {
    let name = Array(name.utf8)
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      if bytes[start..<end].starts(with: name) {
        return bytes[(start + name.count)..<end]
          .split { $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: " ") }
          .map { String(decoding: $0, as: UTF8.self) }
      }
      start = end + 1
    }
    return []
  }
}
