import ArgumentParser
import Control
import LinuxSystem

/// `vbusfs umount`: unmounts, and returns when everything is gone.
struct UnmountCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "umount", abstract: "Unmount the tree and end its processes.")

  @Flag(name: .shortAndLong, help: "Detach at once, even while files are open in the tree.")
  var lazy = false

  @Argument(help: "The directory it is mounted on.")
  var directory: String

  func run() throws {
    let path = resolvedPath(directory)
    guard let mounted = try mountedTree(at: path) else {
      throw Failure("\(path) is no mounted vbusfs tree")
    }
    // The keeper holds this lock until it has ended.
    let lock = try? open(mounted.source + "/lock", .readWrite)
    try unmountTree(at: path, runtime: mounted.source, detach: lazy)
    guard let lock, !lazy else { return }
    if waits(for: lock, seconds: 2) { return }
    // A mount namespace made meanwhile, a service's for example, still has the mount: the kernel
    // does not end it, so we do.
    try? terminateKeeper(of: mounted.source)
    guard waits(for: lock, seconds: 20) else {
      throw Failure("unmounted, but its processes did not end within 20 seconds")
    }
  }

  /// Whether the keeper has let its lock go in time.
  private func waits(for lock: Descriptor, seconds: UInt64) -> Bool {
    let deadline = monotonicNanoseconds() + seconds * 1_000_000_000
    while monotonicNanoseconds() < deadline {
      if (try? lockExclusively(lock)) != nil { return true }
      pause(milliseconds: 5)
    }
    return false
  }

  /// The keeper runs, for it holds its lock: the number is its own.
  private func terminateKeeper(of runtime: String) throws {
    let text = String(decoding: try readFile(runtime + "/keeper.pid"), as: UTF8.self)
    guard let pid = text.split(separator: "\n").first.flatMap({ Int32($0) }) else { return }
    try send(signal: Signal.terminate, to: pid)
  }
}
