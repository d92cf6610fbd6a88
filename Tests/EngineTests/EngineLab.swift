import EngineLink
import Keeper
import KeeperLab
import LinuxSystem

/// The shipped engine under a real keeper. The test is control, and the guests.
final class EngineLab {
  let keeper: KeeperLab
  let control: Shepherd
  private static let engineName = "engine"

  /// Where the programs are: those that the test runner has built for release, or this build's.
  static func programFolder() throws -> String {
    try environmentValue("VBUSFS_BIN") ?? KeeperLab.programFolder()
  }

  init(environment: [String] = []) throws {
    keeper = try KeeperLab(environment: environment)
    let program = try keeper.program()
    let (near, far) = try Channel.pair()
    try program.keeper.put(far.descriptor, as: "of-engine/link")
    try program.keeper.spawn(
      Self.engineName, Self.programFolder() + "/vbusfs-engine", [], scope: "of-engine/")
    control = try Shepherd(program, near)
  }

  deinit { control.end() }

  /// Makes a disk and has it served.
  func disk(_ values: [String: String] = [:]) throws -> LabDisk {
    let disk = try LabDisk(in: keeper.folder, values)
    let answer = try control.serve(disk.offer, disk.descriptors)
    guard case .started = answer else { throw Errno.invalid }
    return disk
  }

  /// The number of the engine's process that runs now.
  func engine() throws -> Int32 { try control.awaitEngine() }

  func killEngine() throws { try send(signal: Signal.kill, to: engine()) }
}
