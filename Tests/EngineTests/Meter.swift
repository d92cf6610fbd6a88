import LinuxSystem
import SharedMemory

/// What an engine does, counted inside of it; and its death at a chosen moment. See
/// `Tests/Preload/meter.c`.
final class Meter {
  /// Numbers of one moment.
  struct Reading: Equatable {
    var allocations: UInt64
    var retains: UInt64
    var releases: UInt64
    var locks: UInt64

    static func - (later: Reading, earlier: Reading) -> Reading {
      Reading(
        allocations: later.allocations - earlier.allocations,
        retains: later.retains - earlier.retains, releases: later.releases - earlier.releases,
        locks: later.locks - earlier.locks)
    }
  }

  private let folder: String
  private let file: SharedFile
  private let words: SharedWindow

  init() throws {
    folder = "/tmp/vbusfs-meter-\(processNumber())-\(monotonicNanoseconds())"
    try makeDirectory(folder, permissions: 0o700)
    try Self.compile(to: folder + "/meter.so")
    let counts = try open(folder + "/counts", [.readWrite, .create])
    try resize(counts, to: 4096)
    file = try SharedFile(mapping: counts, byteCount: 4096, writable: true)
    words = file.window(at: 0, byteCount: 64)
  }

  deinit {
    for name in ["/meter.so", "/counts"] { try? unlink(folder + name) }
    try? removeDirectory(folder)
  }

  /// For the processes that shall be metered.
  var environment: [String] {
    ["LD_PRELOAD=\(folder)/meter.so", "VBUSFS_METER=\(folder)/counts"]
  }

  var reading: Reading {
    Reading(
      allocations: words.relaxed64(at: 0), retains: words.relaxed64(at: 8),
      releases: words.relaxed64(at: 16), locks: words.relaxed64(at: 24))
  }

  /// Moments that came so far: one before and one after each system call.
  var moments: UInt64 { words.relaxed64(at: 32) }

  /// Kills the engine at this moment; 0: at none.
  var lastMoment: UInt64 {
    get { words.relaxed64(at: 40) }
    set { words.storeRelaxed(newValue, at: 40) }
  }

  /// Whether reference counts are counted, from the engine's next wake-up on.
  var countsReferences: Bool {
    get { words.relaxed64(at: 48) != 0 }
    set { words.storeRelaxed(UInt64(newValue ? 1 : 0), at: 48) }
  }

  private static func compile(to library: String) throws {
    let here = #filePath
    let tests = here.prefix(upTo: here.lastIndex(of: "/") ?? here.endIndex) + "/.."
    let pid = try spawn(
      "/usr/bin/env",
      [
        "clang", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", library,
        "\(tests)/Preload/meter.c", "-ldl",
      ], environment: environmentTexts(), descriptors: [])
    guard try awaitEnd(of: pid) == .exited(0) else { throw Errno.invalid }
  }
}
