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
    let deadline = monotonicNanoseconds() + 20_000_000_000
    while monotonicNanoseconds() < deadline {
      do { return try lockExclusively(lock) } catch { pause(milliseconds: 5) }
    }
    throw Failure("unmounted, but its processes did not end within 20 seconds")
  }
}
