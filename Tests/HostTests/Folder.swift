import LinuxSystem

/// A directory of its own for each test, removed with all that is in it.
final class Folder {
  let path: String

  init() throws {
    path = "/tmp/vbusfs-host-\(processNumber())-\(monotonicNanoseconds())"
    try makeDirectory(path, permissions: 0o700)
  }

  deinit {
    for name in (try? names(in: path)) ?? [] {
      if (try? unlink(path + "/" + name)) == nil { try? removeDirectory(path + "/" + name) }
    }
    try? removeDirectory(path)
  }

  func file(_ name: String, byteCount: UInt64, permissions: UInt32 = 0o600) throws -> String {
    let made = try open(path + "/" + name, [.create, .writeOnly], permissions: permissions)
    try resize(made, to: byteCount)
    return path + "/" + name
  }

  func run(_ program: String, _ arguments: [String]) throws {
    let pid = try spawn(program, arguments, environment: [], descriptors: [])
    while reap(pid) == nil {}
  }
}
