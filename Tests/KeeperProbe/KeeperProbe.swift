internal import Glibc
internal import Keeper
internal import LinuxSystem

/// The processes of a test's keeper. As `keeper PATH` it is one, whose descriptor 3 is the starter
/// and 4 is kept as `first`; it runs itself as the control program. As `program PATH`, a control or
/// a child, it lends its channel to the test that listens at PATH and plays it, and ends with the
/// status that the test sends.
@main
enum KeeperProbe {
  static func main() {
    do { try run() } catch { exit(1) }
  }

  private static func run() throws {
    let arguments = CommandLine.arguments
    guard arguments.count >= 3 else { return }
    let path = arguments[2]
    guard arguments[1] == "program" else {
      let keeper = try Keeper(
        starter: Descriptor(owning: 3), initial: ["first": Descriptor(owning: 4)])
      return try keeper.run(control: programPath(), ["program", path])
    }
    let test = try LinuxSystem.connect(to: path)
    try sendBytes(
      Array("\(processNumber()) \(arguments.dropFirst(3).joined(separator: " "))".utf8),
      [Descriptor(owning: 3)], through: test)
    let status = try LinuxSystem.read(test, upTo: 1)
    exit(Int32(status.first ?? 1))
  }
}
