import Foundation
import VbusClient

/// Asks every device of a bus who it is, as a virtio driver does, and shows what that takes.
///
///     Trace containers/lab0/socket
@main
enum Trace {
  static func main() {
    do { try run() } catch {
      try? FileHandle.standardError.write(contentsOf: Array("Trace: \(error)\n".utf8))
      exit(1)
    }
  }

  private static func run() throws {
    guard CommandLine.arguments.count == 2 else { throw Stop("usage: Trace SOCKET") }
    let socket = try SocketConnector(connectingTo: CommandLine.arguments[1])
    let client = try BusClient(TracingConnector(socket) { print("  " + $0) })
    for device in try client.devices() {
      let connection = try client.open(device.id)
      let virtio = try VirtioDevice(connection)
      let offered = try virtio.offered()
      let version = offered.contains(.version1) ? "1" : "0"
      print("\(device.id) \(device.type) is virtio \(version) of type \(virtio.identity.deviceID)")
      try connection.close()
    }
    client.disconnect()
  }
}

/// Ends the program with a sentence.
struct Stop: Error, CustomStringConvertible {
  let description: String
  init(_ sentence: String) { description = sentence }
}
