import Synchronization

package import LinuxSystem

/// A file of a FUSE file system that falls silent: from then on whoever closes it, or asks for its
/// file system, waits until this value is gone.
///
/// The process that makes it must not hold it open when it falls silent, nor start another one
/// while it is open, which would have it too.
package final class SilentFile {
  /// What is left to do for the file: with unwritten bytes in the kernel's cache not only who closes
  /// it waits, but the last one too who lets go of it in any way.
  package enum Rest: CaseIterable, Sendable { case nothing, unwrittenBytes }

  private let path: String
  private let server: Server
  private let rest: Rest
  private var writer: Int32?

  /// The file's whole file system is the file itself, on which it is mounted.
  package init(leaving rest: Rest = .nothing) throws {
    self.rest = rest
    path = "/tmp/vbusfs-silent-\(processNumber())-\(monotonicNanoseconds())"
    _ = try LinuxSystem.open(path, [.readWrite, .create, .exclusive])
    server = try Server(LinuxSystem.open("/dev/fuse", .readWrite), rest)
    do {
      try mountFuse(
        from: "silent", at: path,
        options: "fd=\(server.number),rootmode=100666,user_id=0,group_id=0,allow_other")
    } catch {
      try? unlink(path)
      throw error
    }
    _ = try Thread { [server] in server.serve() }
  }

  package func open() throws -> Descriptor { try LinuxSystem.open(path, .readWrite) }

  /// From here on nothing is answered. Before that, so long that all have closed the file who came
  /// by it with the start of a process, everything is.
  package func fallSilent() throws {
    pause(milliseconds: 200)
    if rest == .unwrittenBytes { try writeElsewhere() }
    server.fallSilent()
  }

  /// By another process, which keeps the file open: closing it would write the bytes back.
  private func writeElsewhere() throws {
    let (ours, theirs) = try Channel.pair()
    let script = """
      open(my $file, "+<", $ARGV[0]) or die; open(my $test, ">&=3") or die;
      syswrite($file, "x" x 4096) or die; syswrite($test, "x"); sleep 600
      """
    writer = try spawn(
      "/usr/bin/perl", ["-e", script, path], environment: [], descriptors: [theirs.descriptor])
    guard wait(on: ours.descriptor, milliseconds: 10_000), try ours.receive() != nil else {
      throw Errno.timedOut
    }
  }

  /// Everything that waits ends, with ECONNABORTED.
  package func end() {
    server.end()
    if let writer {
      try? send(signal: Signal.kill, to: writer)
      _ = try? awaitEnd(of: writer)
    }
    writer = nil
    try? unmount(path, detach: true)
    try? unlink(path)
  }

  deinit { end() }
}

/// Answers as much as opening and closing asks for.
private final class Server: Sendable {
  private struct State {
    var fuse: Descriptor?
    var isSilent = false
  }

  private let state: Mutex<State>
  private let rest: SilentFile.Rest
  let number: Int32

  init(_ fuse: Descriptor, _ rest: SilentFile.Rest) throws(Errno) {
    self.rest = rest
    try fuse.setNonblocking(true)
    number = fuse.number
    state = Mutex(State(fuse: fuse))
  }

  func fallSilent() { state.withLock { $0.isSilent = true } }
  func end() { state.withLock { $0.fuse = nil } }

  func serve() {
    while turn() { pause(milliseconds: 1) }
  }

  /// Takes one request, silent or not: one that was taken cannot be interrupted. False at the end.
  private func turn() -> Bool {
    state.withLock { state in
      guard let fuse = state.fuse else { return false }
      guard let request = try? read(fuse, upTo: 1 << 17), !state.isSilent else { return true }
      if let answer = answer(request) { try? write(answer, to: fuse) }
      return true
    }
  }

  private enum Operation {
    static let attributes: UInt32 = 3
    static let open: UInt32 = 14
    static let flush: UInt32 = 25
    static let initialize: UInt32 = 26
  }

  private static func zeros(_ count: Int) -> [UInt32] { [UInt32](repeating: 0, count: count) }

  private static let notImplemented: Int32 = -38

  private func answer(_ request: [UInt8]) -> [UInt8]? {
    var reader = WireReader(request)
    guard (try? reader.uint32()) != nil, let operation = try? reader.uint32(),
      let unique = try? reader.uint64()
    else { return nil }
    let words: [UInt32]
    switch operation {
    // Version 7.31, perhaps FUSE_WRITEBACK_CACHE, and 4 KiB to write at once.
    case Operation.initialize:
      let flags: UInt32 = rest == .unwrittenBytes ? 1 << 16 : 0
      words = [7, 31, 0, flags, 0, 4096, 1] + Self.zeros(9)
    // For no time: file number 1, empty, a regular one.
    case Operation.attributes:
      words = Self.zeros(4) + [1] + Self.zeros(14) + [0o100666, 1] + Self.zeros(5)
    // A handle, and no flags.
    case Operation.open: words = [1, 0, 0, 0]
    default: words = []
    }
    var answer = WireWriter()
    answer.put(UInt32(16 + 4 * words.count))
    // FLUSH that is not implemented is never sent again, so it is answered as done.
    answer.put(operation == Operation.flush || !words.isEmpty ? 0 : Self.notImplemented)
    answer.put(unique)
    for word in words { answer.put(word) }
    return answer.bytes
  }
}
