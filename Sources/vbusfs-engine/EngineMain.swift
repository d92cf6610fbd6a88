internal import Devices
internal import Engine
internal import Keeper
internal import LinuxSystem

/// The engine of one container. Descriptor 3 leads to the keeper. Ends with status 0 when its
/// keeper or its container ended.
///
/// It is confined to its descriptors before it reads the first byte that a guest could have
/// written. `--unconfined` is for debuggers and profilers, which the confinement shuts out too.
@main
enum EngineMain {
  static func main() {
    // A doorbell may be anything that a front end sends, a pipe that nobody reads too.
    ignoreLostReaders()
    do throws(Errno) {
      try Quarantine.begin()
      try lookAfterBells()
      if !CommandLine.arguments.contains("--unconfined") { try confineProcess() }
      let loop = try EventLoop()
      // The keeper ends what does not end by itself; a terminal's signals are not for an engine.
      let engine = try Engine(on: loop, keeper: KeeperClient(), makeModel: makeModel)
      try loop.run()
      _ = engine
    } catch {
      try? write(Array("vbusfs-engine: \(error.text)\n".utf8), to: Descriptor(owning: 2))
    }
  }
}
