import ArgumentParser
import Connectors
import Control
import LinuxSystem
import VbusClient

/// Nobody lets go of it.
private let standardError = Descriptor(owning: 2)

/// `vbusfs relay`: serves a container's bus over a stream of bytes.
struct RelayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "relay", abstract: "Serve a container's bus over a stream of bytes.",
    discussion: """
      Whoever speaks the stream protocol at the other end, "vbusfs guest" with the address \
      "exec:COMMAND", "tcp:127.0.0.1:PORT" or "tty:PATH" for example, is a client of the bus with \
      the rights of who runs this. One is served at a time.
      """)

  @Argument(help: "The container's socket, or any other address of a bus.")
  var address: String

  @Option(
    help: """
      Listen on this TCP port of 127.0.0.1, to which every user of this machine may connect. 0: any; \
      it is printed.
      """)
  var listen: UInt16?

  @Option(help: "Use this serial line. (default: standard input and output)")
  var tty: String?

  @Option(help: "How many seconds devices stay open for a client whose stream was cut.")
  var resume: Double = 10

  func validate() throws {
    guard listen == nil || tty == nil else {
      throw ValidationError("--listen and --tty exclude each other")
    }
    guard resume >= 0, resume < 1e6 else {
      throw ValidationError("--resume takes seconds, 0 or more")
    }
    guard ConnectorAddress(address) != nil else {
      throw ValidationError("\(address) is no address of a bus")
    }
  }

  func run() throws {
    guard let address = ConnectorAddress(address) else { return }
    try look(at: address)
    let relay: StreamRelay
    do throws(Errno) {
      relay = try StreamRelay(resumeMilliseconds: UInt32(resume * 1000)) {
        () throws(BusError) in try address.connector()
      }
    } catch { throw Failure("a relay cannot be made: \(error.text)") }
    if let listen { return try serve(relay, port: listen) }
    if let tty { return try serve(relay, line: tty) }
    let ends = StreamEnds(input: Descriptor(owning: 0), output: Descriptor(owning: 1))
    try checkWaiting(for: ends.input, "standard input")
    try checkWaiting(for: ends.output, "standard output")
    let outcome = relay.serve(ends)
    relay.end()
    // Others may have them, too.
    try? ends.input.setNonblocking(false)
    try? ends.output.setNonblocking(false)
    if case .over(let sentence) = outcome, !sentence.isEmpty { throw Failure(sentence) }
  }

  /// Whether there is a bus, before anybody is served. Not at the other end of a stream: a relay there
  /// would leave its client for who looks.
  private func look(at address: ConnectorAddress) throws {
    switch address {
    case .socket, .vhostUser:
      try told(self.address) { () throws(BusError) in try address.connector().disconnect() }
    case .tcp, .terminal, .command: break
    }
  }

  /// Files have always something to say to who waits, so the kernel lets nobody wait for them.
  private func checkWaiting(for descriptor: Descriptor, _ name: String) throws {
    do throws(Errno) { try DescriptorSet().add(descriptor) } catch {
      throw Failure(
        "\(name) is no stream: it has to be a pipe, a socket or a terminal (\(error.text))")
    }
  }

  private func serve(_ relay: StreamRelay, port: UInt16) throws {
    do throws(Errno) {
      let listener = try LinuxSystem.listen(onLoopbackPort: port)
      // At once, whatever the output is.
      let output = Descriptor(owning: 1)
      try write(Array("127.0.0.1:\(try LinuxSystem.port(of: listener))\n".utf8), to: output)
      try relay.serve(connectionsFrom: listener, report: report)
    } catch { throw Failure("port \(port) cannot be listened on: \(error.text)") }
  }

  /// Of one session among others.
  private func report(_ sentence: String) {
    try? write(Array("vbusfs relay: \(sentence)\n".utf8), to: standardError)
  }

  /// Again and again, for a line can be cut as well.
  private func serve(_ relay: StreamRelay, line path: String) throws {
    var deadline: Deadline?
    while true {
      do throws(Errno) {
        let ends = try ConnectorAddress.line(path)
        let outcome = relay.serve(ends)
        if case .over(let sentence) = outcome, !sentence.isEmpty { report(sentence) }
        deadline = nil
      } catch {
        guard relay.hasSession else { throw Failure("\(path) cannot be used: \(error.text)") }
        deadline = deadline ?? Deadline(milliseconds: UInt32(resume * 1000))
        if deadline?.hasPassed == true { relay.end() }
      }
      pause(milliseconds: 20)
    }
  }
}
