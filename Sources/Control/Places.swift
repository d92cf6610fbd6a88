internal import LinuxSystem

/// Where this instance of vbusfs lives in the file system.
package struct Places: Sendable {
  package let mountPoint: String
  /// Sockets, the lock, the log and the numbers of processes.
  package let runtime: String
  /// Where the configuration is kept over power loss; `nil` keeps it in the runtime directory,
  /// until a clean end.
  package let state: String?
  /// The program `vbusfs` itself.
  package let program: String

  package init(mountPoint: String, runtime: String, state: String?, program: String) {
    self.mountPoint = mountPoint
    self.runtime = runtime
    sockets = runtime + "/sockets"
    buses = runtime + "/buses"
    session = runtime + "/session"
    self.state = state
    self.program = program
  }

  /// Of devices.
  let sockets: String
  /// Of containers.
  let buses: String
  /// Of the second control plane.
  let session: String
  var pidFile: String { runtime + "/control.pid" }
  var store: String { (state ?? runtime) + "/vbusfs.sqlite" }

  /// The engine lies beside `vbusfs`, or in `../libexec/vbusfs` as an installation puts it.
  var engine: String {
    let directory = program.split(separator: "/").dropLast().joined(separator: "/")
    let beside = "/\(directory)/vbusfs-engine"
    let installed = "/\(directory)/../libexec/vbusfs/vbusfs-engine"
    return (try? facts(at: beside)) != nil ? beside : installed
  }

  /// Makes the directories that are missing.
  func prepare() throws(Errno) {
    for directory in [runtime, sockets, buses, state].compactMap({ $0 }) {
      do { try makeDirectory(directory, permissions: 0o755) } catch {
        guard error == .exists else { throw error }
      }
    }
    try write(Array("\(processNumber())\n".utf8), toFile: pidFile)
  }

  /// Removes what a run leaves; with `forgetting` a configuration that was not to be kept too.
  func clear(forgetting: Bool) {
    for directory in [sockets, buses] {
      for name in (try? names(in: directory)) ?? [] { try? unlink(directory + "/" + name) }
      try? removeDirectory(directory)
    }
    try? unlink(session)
    if forgetting, state == nil {
      for suffix in ["", "-wal", "-shm", "-journal"] { try? unlink(store + suffix) }
    }
    for name in ["control.pid", "keeper.pid"] { try? unlink(runtime + "/" + name) }
    guard forgetting else { return }
    for name in ["lock", "log"] { try? unlink(runtime + "/" + name) }
    try? removeDirectory(runtime)
  }
}
