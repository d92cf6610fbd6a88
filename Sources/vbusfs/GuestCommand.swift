import ArgumentParser
import Connectors
import Control
import LinuxSystem
import VbusClient
import VbusLink

/// `vbusfs guest`: what a guest does on a container's bus, from the shell.
struct GuestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "guest", abstract: "Use the devices of a container's bus, as a guest does.",
    subcommands: [
      GuestList.self, GuestWatch.self, GuestIdentify.self, GuestSend.self, GuestReceive.self,
      GuestRead.self,
    ])
}

/// What every command on a bus is told.
struct GuestBus: ParsableArguments {
  @Argument(
    help: """
      The socket of a container, containers/lab0/socket for example; or the way to it over a stream, \
      tcp:127.0.0.1:PORT, tty:PATH or exec:COMMAND, where "vbusfs relay" is at the other end; or one \
      device alone, vhost-user:TYPE:PATH.
      """)
  var socket: String

  func connected() throws -> BusClient {
    guard var address = ConnectorAddress(socket) else {
      throw Failure("\(socket) is no address of a bus")
    }
    if case .socket(let path) = address { address = .socket(path: absolutePath(path)) }
    return try told(socket) { () throws(BusError) in try BusClient(address.connector()) }
  }
}

/// What every command on a device is told.
struct GuestDevice: ParsableArguments {
  @OptionGroup var bus: GuestBus

  @Argument(help: "The device's number on the bus; `vbusfs guest list` has them.")
  var id: UInt32

  /// What a person is told the device by.
  var name: String { "device \(id) of \(bus.socket)" }

  /// Opens the device, which has to be of this type if there is one.
  func opened(type: String? = nil) throws -> DeviceConnection {
    let client = try bus.connected()
    return try told(name) { () throws(BusError) in
      let found = try client.devices().first { $0.id == id }
      guard let found else { throw .refused(.noEntry) }
      guard type == nil || found.type == type else { throw .refused(.noDevice) }
      return try client.open(id)
    }
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

/// How long to wait, as people say it.
struct GuestPatience: ParsableArguments {
  @Option(help: "Give up after so many seconds. (default: never)")
  var timeout: Double?

  func validate() throws {
    guard let timeout else { return }
    guard timeout >= 0, timeout < 1e6 else {
      throw ValidationError("--timeout takes seconds, from 0 to 1000000")
    }
  }

  /// Milliseconds from now on that are left, less than 0 for ever.
  func rest(since start: UInt64) -> Int32 {
    guard let timeout else { return -1 }
    let end = start + UInt64(timeout * 1e9)
    let now = monotonicNanoseconds()
    return now < end ? Int32(clamping: (end - now + 999_999) / 1_000_000) : 0
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
