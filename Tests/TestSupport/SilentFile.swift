import Synchronization

package import LinuxSystem

/// A file of a FUSE file system that falls silent: from then on whoever closes it, or asks for its
/// file system, waits until this value is gone.
///
/// The process that makes it must not hold it open when it falls silent, nor start another one
/// while it is open, which would have it too.
package final class SilentFile {
  private let path: String
  private let server: Server

  /// The file's whole file system is the file itself, on which it is mounted.
  package init() throws {
    path = "/tmp/vbusfs-silent-\(processNumber())-\(monotonicNanoseconds())"
    _ = try LinuxSystem.open(path, [.readWrite, .create, .exclusive])
    server = try Server(LinuxSystem.open("/dev/fuse", .readWrite))
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
  package func fallSilent() {
    pause(milliseconds: 200)
    server.fallSilent()
  }

  /// Everything that waits ends, with ECONNABORTED.
  package func end() {
    server.end()
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
  let number: Int32

  init(_ fuse: Descriptor) throws(Errno) {
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
      if let answer = Self.answer(request) { try? write(answer, to: fuse) }
      return true
    }
  }

  private enum Operation {
    static let open: UInt32 = 14
    static let flush: UInt32 = 25
    static let initialize: UInt32 = 26
  }

  private static let notImplemented: Int32 = -38

  private static func answer(_ request: [UInt8]) -> [UInt8]? {
    var reader = WireReader(request)
    guard (try? reader.uint32()) != nil, let operation = try? reader.uint32(),
      let unique = try? reader.uint64()
    else { return nil }
    let words: [UInt32]
    switch operation {
    // Version 7.31, and 4 KiB to write at once.
    case Operation.initialize: words = [7, 31, 0, 0, 0, 4096, 1] + [UInt32](repeating: 0, count: 9)
    // A handle, and no flags.
    case Operation.open: words = [1, 0, 0, 0]
    default: words = []
    }
    var answer = WireWriter()
    answer.put(UInt32(16 + 4 * words.count))
    // FLUSH that is not implemented is never sent again, so it is answered as done.
    answer.put(operation == Operation.flush || !words.isEmpty ? 0 : notImplemented)
    answer.put(unique)
    for word in words { answer.put(word) }
    return answer.bytes
  }
}
