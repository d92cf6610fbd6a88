import Foundation
import VbusClient

/// Sends every Ethernet frame back to where it came from: vbus's own network card, which
/// `VenetDevice` drives.
///
///     FrameEcho containers/lab0/socket [FRAMES]
///
/// It takes the first card of the bus, and ends after so many frames, if that is told.
@main
enum FrameEcho {
  static func main() {
    do { try run() } catch {
      try? FileHandle.standardError.write(contentsOf: Array("FrameEcho: \(error)\n".utf8))
      exit(1)
    }
  }

  private static func run() throws {
    let arguments = CommandLine.arguments
    guard (2...3).contains(arguments.count) else { throw Stop("usage: FrameEcho SOCKET [FRAMES]") }
    let client = try BusClient(connectingTo: arguments[1])
    let found = try client.devices().first { $0.type == VenetDevice.interfaceType }
    guard let found else { throw Stop("there is no network card on this bus") }
    let card = try VenetDevice(client.open(found.id))
    try card.linkUp()
    try echo(arguments.count == 3 ? Int(arguments[2]) : nil, card)
    try card.linkDown()
  }

  private static func echo(_ count: Int?, _ card: VenetDevice) throws {
    let mac = try card.macAddress()
    var echoed = 0
    while echoed != count, let frame = try card.receive(milliseconds: -1) {
      guard frame.count >= 12 else { continue }
      // Back to its source, from us.
      let answer = frame[6..<12] + mac + frame[12...]
      while try !card.send(Array(answer)) { _ = try card.flush(milliseconds: 1000) }
      echoed += 1
    }
    _ = try card.flush(milliseconds: 10_000)
  }
}

/// Ends the program with a sentence.
struct Stop: Error, CustomStringConvertible {
  let description: String
  init(_ sentence: String) { description = sentence }
}
