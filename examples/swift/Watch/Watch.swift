import Foundation
import VbusClient

/// Prints a line for each device that comes to a bus or leaves it, those that are there first.
///
///     Watch containers/lab0/socket
@main
enum Watch {
  static func main() {
    do { try run() } catch {
      try? FileHandle.standardError.write(contentsOf: Array("Watch: \(error)\n".utf8))
      exit(1)
    }
  }

  private static func run() throws {
    guard CommandLine.arguments.count == 2 else { throw Stop("usage: Watch SOCKET") }
    let client = try BusClient(connectingTo: CommandLine.arguments[1])
    while let event = try client.nextEvent(milliseconds: -1) {
      switch event {
      case .deviceAdded(let id, let type): try put("added \(id) \(type)")
      case .deviceDropped(let id): try put("dropped \(id)")
      case .signal, .shareClosed: break
      }
    }
  }

  /// At once, also where standard output is a pipe.
  private static func put(_ line: String) throws {
    try FileHandle.standardOutput.write(contentsOf: Array((line + "\n").utf8))
  }
}

/// Ends the program with a sentence.
struct Stop: Error, CustomStringConvertible {
  let description: String
  init(_ sentence: String) { description = sentence }
}
