import Foundation
import VbusClient

/// Writes the first bytes of a disk to standard output: virtio-blk over a virtqueue, which
/// `VirtioDisk` drives.
///
///     DiskReader containers/lab0/socket ID BYTES
@main
enum DiskReader {
  static func main() {
    do { try run() } catch {
      try? FileHandle.standardError.write(contentsOf: Array("DiskReader: \(error)\n".utf8))
      exit(1)
    }
  }

  private static func run() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 4, let id = UInt32(arguments[2]), let count = Int(arguments[3]) else {
      throw Stop("usage: DiskReader SOCKET ID BYTES")
    }
    let client = try BusClient(connectingTo: arguments[1])
    let disk = try VirtioDisk(client.open(id))
    try FileHandle.standardOutput.write(contentsOf: disk.read(offset: 0, count: count))
  }
}

/// Ends the program with a sentence.
struct Stop: Error, CustomStringConvertible {
  let description: String
  init(_ sentence: String) { description = sentence }
}
