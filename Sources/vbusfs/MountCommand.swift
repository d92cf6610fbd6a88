import ArgumentParser
import Control
import Keeper
import LinuxSystem

/// `vbusfs mount`: mounts, starts the keeper, and returns when the tree answers.
struct MountCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mount", abstract: "Mount the tree on a directory, which is made if missing.")

  @Flag(name: .customShort("f"), help: "Stay in the foreground until unmounted.")
  var foreground = false

  @Option(help: "Keep the configuration here, safe against power loss, and load it at the start.")
  var state: String?

  @Option(help: "Where sockets lie while mounted. (default: /run/vbusfs.d for root)")
  var runtime: String?

  @Argument(help: "The directory to mount on.")
  var directory: String

  func run() throws {
    let mountPoint = resolvedPath(directory)
    try checkMountPoint(mountPoint)
    // Caught before the keeper runs, or an early one would end this process and not the keeper.
    let signals = foreground ? try signalDescriptor(Self.passedOn + [Signal.childEnded]) : nil
    let runtime = try preparedRuntime(runtime)
    let lock = try lockRuntime(runtime)
    var isMade = false
    let keeper: Int32
    do {
      let state = try state.map(preparedPrivate)
      isMade = try prepareMountPoint(mountPoint)
      keeper = try serve(mountPoint, runtime, state, lock: lock)
    } catch {
      clearFailedStart(runtime, mountPoint: isMade ? mountPoint : nil)
      throw error
    }
    if let signals { try follow(keeper, signals) }
  }

  private static let passedOn = [Signal.interrupt, Signal.terminate, Signal.hangUp]

  /// Mounts, and answers the keeper's number when the tree answers.
  private func serve(
    _ mountPoint: String, _ runtime: String, _ state: String?, lock: Descriptor
  ) throws -> Int32 {
    let fuse = try mountTree(at: mountPoint, runtime: runtime)
    var keeper: Int32?
    do {
      let (started, starter) = try startKeeper(
        mountPoint, runtime, state, lock: lock, fuse: fuse)
      keeper = started
      try awaitReadiness(starter)
      return started
    } catch {
      try? unmountTree(at: mountPoint, runtime: runtime, detach: true)
      if let keeper { end(keeper) }
      throw error
    }
  }

  /// Ends a keeper whose control cannot begin. Its programs end with it.
  private func end(_ keeper: Int32) {
    try? send(signal: Signal.terminate, to: keeper)
    let deadline = monotonicNanoseconds() + 5_000_000_000
    while reap(keeper) == nil {
      if monotonicNanoseconds() > deadline { try? send(signal: Signal.kill, to: keeper) }
      pause(milliseconds: 5)
    }
  }

  private func startKeeper(
    _ mountPoint: String, _ runtime: String, _ state: String?, lock: Descriptor, fuse: Descriptor
  ) throws -> (Int32, Channel) {
    let (near, far) = try Channel.pair()
    var arguments = ["keeper", "--runtime", runtime, mountPoint]
    if let state { arguments += ["--state", state] }
    if foreground { arguments.append("--foreground") }
    let pid = try spawn(
      programPath(), arguments, environment: environmentTexts(),
      descriptors: [far.descriptor, lock, fuse], newSession: !foreground)
    return (pid, near)
  }

  /// Waits for the keeper's word: an empty line, or a sentence why service cannot begin.
  private func awaitReadiness(_ starter: Channel) throws {
    guard wait(on: starter.descriptor, milliseconds: 30_000) else {
      throw Failure("the tree did not answer within 30 seconds")
    }
    guard let packet = try starter.receive() else {
      throw Failure("the keeper ended before the tree answered")
    }
    let sentence = String(decoding: packet.bytes, as: UTF8.self).trimmed
    guard sentence.isEmpty else { throw Failure(sentence) }
  }

  /// Passes the terminal's signals on to the keeper, and ends as it ends.
  private func follow(_ keeper: Int32, _ signals: Descriptor) throws {
    while true {
      _ = wait(on: signals, milliseconds: 1000)
      while let signal = readSignal(signals), signal != Signal.childEnded {
        try? send(signal: Signal.terminate, to: keeper)
      }
      guard let (_, ending) = reap(keeper) else { continue }
      guard ending == .exited(0) else { throw Failure("the keeper \(ending.text)") }
      return
    }
  }
}
