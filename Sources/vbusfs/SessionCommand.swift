import ArgumentParser
import Control
import LinuxSystem

/// `vbusfs session`: runs a program with a container of its own, which goes when the program does.
struct SessionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "session",
    abstract: "Run a program with a container of its own, made with the caller's rights.",
    discussion: """
      The program finds the container's socket in VBUS_SOCKET and its name in VBUS_CONTAINER. \
      Container and devices go when it ends; its exit status is passed on.
      """)

  @Option(help: "Where the tree is mounted.")
  var tree = "/run/vbusfs"

  @Option(
    name: .customLong("device"), parsing: .singleValue,
    help: """
      Make and plug in a device: its class and ATTRIBUTE=VALUE…, "net backend=loopback" for example. \
      The first is number 0 on the bus, and so on.
      """)
  var devices: [String] = []

  @Argument(parsing: .postTerminator, help: "The program and its arguments, behind --.")
  var command: [String] = []

  func validate() throws {
    guard !command.isEmpty else { throw ValidationError("Say behind -- which program to run.") }
  }

  func run() throws {
    let channel = try connected()
    defer { end(channel) }
    let greeting = try ask("hello 1", channel).split(separator: " ")
    guard greeting.count == 4 else { throw Failure("\(tree)/session does not speak version 1") }
    for device in devices { _ = try ask("device \(device)", channel) }
    let ending = try runProgram([
      "VBUS_CONTAINER": String(greeting[2]), "VBUS_SOCKET": String(greeting[3]),
    ])
    switch ending {
    case .exited(let status): throw ExitCode(status)
    // As a shell says it.
    case .killed(let signal): throw ExitCode(128 + signal)
    }
  }

  /// How long an answer may take: opening a host side takes three seconds at most.
  private static let patienceMilliseconds: Int32 = 10_000

  private func connected() throws -> Channel {
    do { return try connectPackets(toAnyLength: tree + "/session") } catch {
      throw Failure("\(tree)/session cannot be reached: \(error.text)")
    }
  }

  /// Asks for one thing; a refusal is told as it came.
  private func ask(_ request: String, _ channel: Channel) throws -> String {
    let answer: String
    do throws(Errno) { answer = try reply(to: request, channel) } catch {
      throw Failure("\(request): \(error.text)")
    }
    guard answer.hasPrefix("ok") else { throw Failure("\(request): \(answer)") }
    return answer
  }

  private func reply(to request: String, _ channel: Channel) throws(Errno) -> String {
    var failure: Errno?
    // Where there are too many sessions it says so unasked, and is gone.
    do throws(Errno) { try channel.send(Packet(Array(request.utf8))) } catch { failure = error }
    guard wait(on: channel.descriptor, milliseconds: Self.patienceMilliseconds) else {
      throw failure ?? .timedOut
    }
    guard let packet = try received(channel) else { throw failure ?? .connectionReset }
    return String(decoding: packet.bytes, as: UTF8.self).trimmed
  }

  /// Of an end that left something unread the kernel tells first, and what came before it then.
  private func received(_ channel: Channel) throws(Errno) -> Packet? {
    do throws(Errno) { return try channel.receive() } catch {
      guard error == .connectionReset else { throw error }
      return try channel.receive()
    }
  }

  /// Ends the session, and waits until nothing is left of it.
  private func end(_ channel: Channel) {
    try? channel.send(Packet([]))
    while wait(on: channel.descriptor, milliseconds: Self.patienceMilliseconds) {
      guard let packet = try? channel.receive(), !packet.bytes.isEmpty else { return }
    }
  }

  /// Signals that are for the program. Those of a terminal's keys reach it anyway.
  private static let passedOn = [Signal.terminate, Signal.hangUp]
  private static let ofKeys = [Signal.interrupt, Signal.quit]

  /// The connection stays open until the program has ended; the program does not get it.
  private func runProgram(_ environment: [String: String]) throws -> Ending {
    // Of two values of one name getenv(3) finds the first.
    let others = environmentTexts().filter { text in
      !environment.keys.contains { text.hasPrefix($0 + "=") }
    }
    do throws(Errno) {
      let signals = try signalDescriptor(Self.passedOn + Self.ofKeys + [Signal.childEnded])
      let child = try spawn(
        "/usr/bin/env", ["--"] + command,
        environment: others + environment.map { "\($0.key)=\($0.value)" }, descriptors: [])
      while true {
        if let ended = reap(child) { return ended.ending }
        _ = wait(on: signals, milliseconds: -1)
        guard let signal = readSignal(signals) else { continue }
        if Self.passedOn.contains(signal) {
          try send(signal: signal, to: child)
        }
      }
    } catch { throw Failure("\(command[0]) cannot be run: \(error.text)") }
  }
}
