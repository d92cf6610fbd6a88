import LinuxSystem
import TestSupport

/// A booted guest that runs shell commands. Killed when nobody holds it any more.
final class Guest {
  /// What a guest said between its two marks, and the status of its last command.
  struct Report {
    let lines: [String]
    let status: Int32

    /// The rest of the first line that begins with this word.
    func value(_ word: String) -> String? {
      lines.first { $0.hasPrefix(word + " ") }.map { String($0.dropFirst(word.count + 1)) }
    }
  }

  let pid: Int32
  private let console: Descriptor
  private let input: Descriptor
  private var hasEnded = false

  /// Boots a guest with a disk on each socket. Without commands its firmware boots the first disk.
  init(
    _ machine: Machine, on sockets: [String], running commands: String? = nil, in lab: Lab
  ) throws {
    let path = "\(lab.folder)/console-\(monotonicNanoseconds())"
    console = try open(path, [.readWrite, .create, .append])
    let pipe = try makePipe()
    input = pipe.writing
    let arguments = sockets + (commands.map { ["--", $0] } ?? [])
    pid = try spawn(
      "/bin/bash",
      [
        "-c", #"exec <&3 >&4 2>&1 3>&- 4>&-; exec "$@""#, "bash",
        "\(guestFolder)/\(machine.rawValue)",
      ]
        + arguments,
      environment: environmentTexts(), descriptors: [pipe.reading, console], newSession: true)
  }

  deinit {
    guard !hasEnded else { return }
    try? send(signal: Signal.kill, to: -pid)
    _ = try? awaitEnd(of: pid)
  }

  /// All that came to the console so far.
  var lines: [String] {
    let bytes = (try? readAgain(console, upTo: 1 << 20)) ?? []
    return String(decoding: bytes.filter { $0 != UInt8(ascii: "\r") }, as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  /// Waits until the guest has printed this line.
  func awaitLine(_ line: String, seconds: UInt64 = 60) throws {
    _ = try explained {
      try awaitAnswer("the guest's line \(line)", seconds: seconds) {
        lines.contains(line) ? true : nil
      }
    }
  }

  /// Types a line on the guest's console.
  func say(_ line: String) throws { try write(Array("\(line)\n".utf8), to: input) }

  /// Waits until the guest has switched itself off.
  func awaitPowerOff(seconds: UInt64 = 60) throws -> Ending {
    let ended = try explained {
      try awaitAnswer("the guest's end", seconds: seconds) { reap(pid) }
    }
    hasEnded = true
    return ended.ending
  }

  /// Waits until the commands have run and the guest has switched itself off.
  func finish(seconds: UInt64 = 60) throws -> Report {
    _ = try awaitPowerOff(seconds: seconds)
    let lines = lines
    guard let begin = lines.firstIndex(of: "[guest] begin"),
      let end = lines.firstIndex(where: { $0.hasPrefix("[guest] end ") }), begin < end,
      let status = Int32(lines[end].dropFirst("[guest] end ".count))
    else { throw Overdue(description: "the guest did not run: \(lines.joined(separator: "\n"))") }
    return Report(lines: Array(lines[(begin + 1)..<end]), status: status)
  }

  /// The kernel's numbers of the sockets that the guest's process holds: they stay the same as long
  /// as its connections do.
  func sockets() throws -> Set<String> {
    let folder = "/proc/\(pid)/fd"
    let targets = try names(in: folder).compactMap { try? linkTarget("\(folder)/\($0)") }
    return Set(targets.filter { $0.hasPrefix("socket:") })
  }

  private func explained<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as Overdue {
      let end = lines.suffix(30).joined(separator: "\n")
      throw Overdue(description: "\(error.description); its console ends:\n\(end)")
    }
  }
}

extension Lab {
  /// Boots a guest, has it run commands and switch itself off.
  func report(
    of machine: Machine, on devices: [String], running commands: String
  ) throws -> Guest.Report {
    try Guest(machine, on: devices, running: commands, in: self).finish()
  }
}
