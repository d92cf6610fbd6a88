internal import LinuxSystem

/// The lines of /proc/<pid>/status (proc(5)); none when the process is gone.
struct ProcessStatus {
  /// Bytes, not characters: this is read for each write, and there are sixty lines.
  private let lines: [ArraySlice<UInt8>]

  init(_ pid: Int32) {
    lines = ((try? readFile("/proc/\(pid)/status")) ?? []).split(separator: UInt8(ascii: "\n"))
  }

  /// The words that follow a name, `Groups:`.
  func words(_ name: String) -> [String] {
    let line = lines.first { $0.starts(with: name.utf8) } ?? []
    return line.dropFirst(name.utf8.count)
      .split { $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: " ") }
      .map { String(decoding: $0, as: UTF8.self) }
  }
}
