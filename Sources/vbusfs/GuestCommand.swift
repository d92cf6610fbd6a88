import ArgumentParser
import Connectors
import Control
import LinuxSystem
import VbusClient

/// `vbusfs guest SOCKET ACTION`: what a guest does on a container's bus, from the shell.
struct GuestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "guest", abstract: "Use the devices of a container's bus, as a guest does.",
    usage: """
      vbusfs guest <socket> list
      vbusfs guest <socket> watch [--timeout <seconds>]
      vbusfs guest <socket> identify <id>
      vbusfs guest <socket> send <id> [--receive <frames>] [--timeout <seconds>]
      vbusfs guest <socket> receive <id> [--count <frames>] [--timeout <seconds>]
      vbusfs guest <socket> read <id> [--offset <byte>] [--count <bytes>]
      """,
    discussion: """
      list      Print number and type of all devices.
      watch     Print a line for each device that comes or goes.
      identify  Print what a device says it is.
      send      Send Ethernet frames, lines of hexadecimal digits on standard input.
      receive   Print Ethernet frames that come in, as such lines.
      read      Write bytes of a disk to standard output.
      """)

  @Argument(
    help: """
      The socket of a container, containers/lab0/socket for example; or the way to it over a stream, \
      tcp:127.0.0.1:PORT, tty:PATH or exec:COMMAND, where "vbusfs relay" is at the other end; or one \
      device alone, vhost-user:TYPE:PATH.
      """)
  var socket: String

  @Argument(help: "What to do, see above.")
  var action: GuestAction

  @Argument(help: "The device's number on the bus, which all but list and watch take.")
  var id: UInt32?

  @Option(help: "watch, send, receive: give up after so many seconds. (default: never)")
  var timeout: Double?

  @Option(help: "send: then print so many frames that come in. (default: 0)")
  var receive: UInt64?

  @Option(help: "receive: end after so many frames; read: so many bytes. (default: all)")
  var count: UInt64?

  @Option(help: "read: the first byte. (default: 0)")
  var offset: UInt64?

  func validate() throws {
    guard action.needsDevice == (id != nil) else {
      throw ValidationError(
        action.needsDevice
          ? "\(action) takes the number of a device" : "\(action) takes no device")
    }
    for (option, isGiven) in [
      ("timeout", timeout != nil), ("receive", receive != nil), ("count", count != nil),
      ("offset", offset != nil),
    ] where isGiven && !action.options.contains(option) {
      throw ValidationError("\(action) takes no --\(option)")
    }
    guard (0..<1e6).contains(timeout ?? 0) else {
      throw ValidationError("--timeout takes seconds, from 0 to 1000000")
    }
  }

  func run() throws {
    // First, so that a line that is no frame has touched nothing.
    let frames = action == .send ? try Self.frames() : []
    try onBus { client in
      switch action {
      case .list: try list(client)
      case .watch: try watch(client)
      case .identify: try identify(client)
      case .send: try send(frames, client)
      case .receive: try receiveFrames(client)
      case .read: try read(client)
      }
    }
  }
}

/// What can be done on a bus.
enum GuestAction: String, ExpressibleByArgument, CaseIterable {
  case list, watch, identify, send, receive, read

  var needsDevice: Bool { self != .list && self != .watch }

  /// Those that it takes.
  var options: [String] {
    switch self {
    case .list, .identify: []
    case .watch: ["timeout"]
    case .send: ["receive", "timeout"]
    case .receive: ["count", "timeout"]
    case .read: ["offset", "count"]
    }
  }
}

extension GuestCommand {
  /// Connects, and says goodbye whatever comes of it: a relay keeps the devices of a client that was
  /// cut off.
  func onBus(_ body: (BusClient) throws -> Void) throws {
    let client = try connected()
    defer { client.disconnect() }
    try noticeSignals()
    try body(client)
  }

  private func connected() throws -> BusClient {
    guard var address = ConnectorAddress(socket) else {
      throw Failure("\(socket) is no address of a bus")
    }
    if case .socket(let path) = address { address = .socket(path: absolutePath(path)) }
    return try told(socket) { () throws(BusError) in try BusClient(address.connector()) }
  }

  /// What a person is told the device by.
  var deviceName: String { "device \(id ?? 0) of \(socket)" }

  /// Opens the device of a bus, which has to be of this type if there is one: it is no `kind`
  /// otherwise.
  func opened(
    on client: BusClient, type: String? = nil, kind: String = ""
  ) throws -> DeviceConnection {
    let found = try told(deviceName) { () throws(BusError) in
      let found = try client.devices().first { $0.id == id }
      guard let found else { throw .refused(.noEntry) }
      return found
    }
    guard type == nil || found.type == type else {
      throw Failure("\(deviceName) is no \(kind), but \(found.type)")
    }
    return try told(deviceName) { () throws(BusError) in try client.open(found.id) }
  }

  /// When `timeout` passes that begins now.
  var deadline: Deadline {
    guard let timeout else { return .never }
    return Deadline(milliseconds: UInt32((timeout * 1000).rounded(.up)))
  }
}

/// Runs something on a bus; what goes wrong is told as a sentence that begins with `subject`.
func told<Result>(
  _ subject: String, _ body: () throws(BusError) -> Result
) throws -> Result {
  do throws(BusError) { return try body() } catch {
    throw Failure("\(subject): \(error.sentence)")
  }
}

/// Standard output, at once: whoever reads a pipe is not to wait for a full buffer.
struct GuestOutput {
  private let descriptor = Descriptor(owning: 1)

  func line(_ text: String) throws { try bytes(Array((text + "\n").utf8)) }

  func bytes(_ bytes: [UInt8]) throws {
    do { try write(bytes, to: descriptor) } catch {
      throw Failure("standard output cannot be written: \(error.text)")
    }
  }
}
