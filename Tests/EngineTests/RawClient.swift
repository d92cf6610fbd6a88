import EngineLink
import LinuxSystem
import VbusLink

/// A client of the bus that says what the test says, and nothing by itself.
final class RawClient {
  let channel: Channel

  /// Connects, and says nothing yet.
  init(_ lab: EngineLab) throws { channel = try connectPackets(to: lab.keeper.folder + "/bus") }

  /// One that has said HELLO.
  static func attached(to lab: EngineLab) throws -> RawClient {
    let client = try RawClient(lab)
    try client.sayHello()
    _ = try client.reply()
    return client
  }

  func sayHello() throws {
    try send(
      Request.hello(magic: Request.magicNumber, version: Request.versionNumber, .implemented))
  }

  func send(_ request: Request, _ descriptors: [Descriptor] = []) throws {
    try send(request.bytes(tag: 1), descriptors)
  }

  func send(_ bytes: [UInt8], _ descriptors: [Descriptor] = []) throws {
    try channel.send(Packet(bytes, descriptors))
  }

  func hears(milliseconds: Int32 = 10_000) -> Bool {
    wait(on: channel.descriptor, milliseconds: milliseconds)
  }

  func reply() throws -> Reply {
    guard hears(), let packet = try channel.receive(), let reply = Reply(packet.bytes) else {
      throw Errno.timedOut
    }
    return reply
  }

  func ask(_ request: Request, _ descriptors: [Descriptor] = []) throws -> Reply {
    try send(request, descriptors)
    return try reply()
  }
}
