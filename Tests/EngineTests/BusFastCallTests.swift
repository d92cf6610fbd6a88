import LinuxSystem
import SharedMemory
import Testing
import VbusClient
import VbusLink
import Virtio

@Suite("Requests go through a client's memory or through the socket", .serialized)
struct BusFastCallTests {
  @Test("A client without fast calls is served by the socket")
  func bySocket() throws {
    let lab = try EngineLab()
    try lab.openBus()
    var options = SocketConnector.Options()
    options.wantsFastCalls = false
    let native = try NativeDisk(lab.client(options), lab.disk().offer.devID)
    #expect(try native.write(pattern(0, 1), sector: 0) == 0)
    #expect(try native.read(sector: 0) == pattern(0, 1))
  }

  @Test("A request in a block is answered there, and its bell rings")
  func byBlock() throws {
    let guest = try Caller()
    let reply = try guest.ask(.untold)
    #expect(reply?.verb == Verb.untold.rawValue)
    #expect(reply?.errno == nil)
  }

  @Test("A request that needs descriptors is EINVAL in a block")
  func withDescriptors() throws {
    let guest = try Caller()
    let region = Region(address: 1 << 40, byteCount: 4096, fileOffset: 0)
    #expect(try guest.ask(.addMemory(region))?.errno == .invalid)
  }

  @Test("A verb that is none is ENOSYS, and a length that is not the verb's EINVAL")
  func malformed() throws {
    let guest = try Caller()
    #expect(try guest.ask([77, 0, 0, 0, 1, 0, 0, 0])?.errno == .notImplemented)
    #expect(try guest.ask(Request.untold.bytes(tag: 1) + [0])?.errno == .invalid)
    #expect(try guest.ask(Request.untold.bytes(tag: 1), length: .max)?.errno == .invalid)
  }

  @Test("A request without a whole head ends the connection")
  func noHead() throws {
    let guest = try Caller()
    #expect(try guest.ask([1, 2, 3]) == nil)
    #expect(try guest.isCutOff())
  }

  @Test("A block that nobody has formatted is EINVAL")
  func unformatted() throws {
    let guest = try Caller(formats: false)
    #expect(guest.addition?.errno == .invalid)
  }

  @Test("A client that rings without asking is not answered, and can ask later")
  func emptyRing() throws {
    let guest = try Caller()
    for _ in 0..<100 { guest.bells.host.ring() }
    #expect(!wait(on: guest.bells.client.descriptor, milliseconds: 50))
    #expect(try guest.ask(.untold)?.errno == nil)
  }

  @Test("What was asked while no engine was there is answered by the next one")
  func overDeath() throws {
    let guest = try Caller()
    try send(signal: Signal.stop, to: guest.lab.engine())
    guest.put(Request.untold.bytes(tag: 9))
    try guest.lab.killEngine()
    #expect(try guest.awaitReply()?.tag == 9)
  }
}

/// A client of few words: HELLO, memory, a block for fast calls, READY.
private final class Caller {
  let lab: EngineLab
  let bells: SharedSignal.Bells
  /// The reply to the request that made the block.
  private(set) var addition: Reply?
  private let channel: Channel
  private let memory: SharedFile
  private let window: SharedWindow
  private var asked: UInt32 = 0
  private var tag: UInt32 = 0

  private static let address: UInt64 = 1 << 32

  init(formats: Bool = true) throws {
    lab = try EngineLab()
    let path = try lab.openBus()
    channel = try connectPackets(to: path)
    let file = try makeMemoryFile("caller", byteCount: 4096)
    memory = try SharedFile(mapping: file, byteCount: 4096, writable: true)
    window = memory.window(at: 0, byteCount: FastCallLayout.byteCount)
    bells = try SharedSignal.Bells()
    if formats { FastCallLayout.format(window) }
    _ = try say(.hello(magic: Request.magicNumber, version: 1, .implemented))
    _ = try say(
      .addMemory(Region(address: Self.address, byteCount: 4096, fileOffset: 0)), [file])
    addition = try say(
      .addFastCall(address: Self.address), [bells.host.descriptor, bells.client.descriptor])
    _ = try say(.ready)
  }

  private func say(_ request: Request, _ descriptors: [Descriptor] = []) throws -> Reply? {
    tag += 1
    try channel.send(Packet(request.bytes(tag: tag), descriptors))
    guard wait(on: channel.descriptor, milliseconds: 10_000) else { throw Errno.timedOut }
    return try channel.receive().flatMap { Reply($0.bytes) }
  }

  func ask(_ request: Request) throws -> Reply? {
    tag += 1
    return try ask(request.bytes(tag: tag))
  }

  /// Asks through the block; nil when the connection ends instead.
  func ask(_ bytes: [UInt8], length: UInt32? = nil) throws -> Reply? {
    put(bytes, length: length)
    return try awaitReply()
  }

  func put(_ bytes: [UInt8], length: UInt32? = nil) {
    memory.setBytes(bytes, at: FastCallLayout.request)
    window.storeRelaxed(length ?? UInt32(bytes.count), at: FastCallLayout.length)
    asked += 1
    window.storeRelease(asked, at: FastCallLayout.asked)
    bells.host.ring()
  }

  func awaitReply() throws -> Reply? {
    for _ in 0..<1000 {
      if wait(on: bells.client.descriptor, milliseconds: 10) { break }
      if try isCutOff() { return nil }
    }
    bells.client.clear()
    guard window.acquire32(at: FastCallLayout.answered) == asked else { throw Errno.timedOut }
    return FastCallLayout.reply(in: window)
  }

  /// Whether the host has ended the connection.
  func isCutOff() throws -> Bool {
    guard wait(on: channel.descriptor, milliseconds: 0) else { return false }
    return try channel.receive() == nil
  }
}
