import ArgumentParser
import Control
import Keeper
import LinuxSystem

/// The keeper. Descriptors: 3 whoever waits for service to begin, 4 the runtime's lock, and 5
/// /dev/fuse.
struct KeeperCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "keeper", shouldDisplay: false)

  @Option var runtime: String
  @Option var state: String?
  @Flag var foreground = false
  @Argument var directory: String

  func run() throws {
    if !foreground { try leaveTerminal() }
    try write(Array("\(processNumber())\n".utf8), toFile: runtime + "/keeper.pid")
    let starter = Descriptor(owning: 3)
    let keeper = try Keeper(
      starter: starter, initial: ["lock": Descriptor(owning: 4), "fuse": Descriptor(owning: 5)])
    var arguments = ["control", "--runtime", runtime, directory]
    if let state { arguments += ["--state", state] }
    try keeper.run(control: programPath(), arguments)
  }

  /// Nobody who reads the starter's output waits for this process; what it says goes to a log.
  private func leaveTerminal() throws {
    let nothing = try open("/dev/null", .readWrite)
    let log = try open(runtime + "/log", [.writeOnly, .create, .append], permissions: 0o644)
    try redirect(0, to: nothing)
    try redirect(1, to: log)
    try redirect(2, to: log)
  }
}

/// Control. Descriptor 3 leads to the keeper.
struct ControlCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "control", shouldDisplay: false)

  @Option var runtime: String
  @Option var state: String?
  @Argument var directory: String

  func run() throws {
    let places = Places(
      mountPoint: directory, runtime: runtime, state: state, program: try programPath())
    throw ExitCode(Control.serve(places))
  }
}

/// A helper of control. Descriptor 3 leads to it.
struct HelperCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "helper", shouldDisplay: false)

  func run() throws { HelperProcess.serve() }
}
