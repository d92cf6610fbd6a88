import Glibc
import LinuxSystem
import VbusClient

/// Prints a line for each device that comes to a bus or leaves it, those that are there first.
///
///     Watch containers/lab0/socket
@main
enum Watch {
  static func main() {
    do { try run() } catch {
      try? write(Array("Watch: \(error)\n".utf8), to: Descriptor(owning: 2))
      exit(1)
    }
  }

  private static func run() throws {
    guard CommandLine.arguments.count == 2 else { throw Stop("usage: Watch SOCKET") }
    let output = Descriptor(owning: 1)
    let client = try BusClient(connectingTo: CommandLine.arguments[1])
    while let event = try client.nextEvent(milliseconds: -1) {
      switch event {
      case .deviceAdded(let id, let type): try write(line("added \(id) \(type)"), to: output)
      case .deviceDropped(let id): try write(line("dropped \(id)"), to: output)
      case .signal, .shareClosed: break
      }
    }
  }

  private static func line(_ text: String) -> [UInt8] { Array((text + "\n").utf8) }
}

/// Ends the program with a sentence.
struct Stop: Error, CustomStringConvertible {
  let description: String
  init(_ sentence: String) { description = sentence }
}
