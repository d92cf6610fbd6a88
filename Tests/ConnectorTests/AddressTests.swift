import Connectors
import LinuxSystem
import TestSupport
import Testing
import VbusClient

@Suite("The way to a bus as a text")
struct AddressTests {
  @Test(
    "Each kind is understood",
    arguments: [
      ("/run/bus", ConnectorAddress.socket(path: "/run/bus")),
      ("a:b", .socket(path: "a:b")), ("./tcp:1", .socket(path: "./tcp:1")),
      ("tcp:127.0.0.1:80", .tcp(host: "127.0.0.1", port: 80)),
      ("tty:/dev/ttyS0", .terminal(path: "/dev/ttyS0")),
      ("exec:ssh far vbusfs relay bus", .command("ssh far vbusfs relay bus")),
      ("vhost-user:virtio-blk:/run/a:b", .vhostUser(type: "virtio-blk", path: "/run/a:b")),
    ])
  func understood(text: String, address: ConnectorAddress) {
    #expect(ConnectorAddress(text) == address)
  }

  @Test(
    "What lacks something is refused",
    arguments: [
      "", "tcp:", "tcp:127.0.0.1", "tcp::80", "tcp:127.0.0.1:0", "tcp:127.0.0.1:65536",
      "tcp:127.0.0.1:80:1", "tty:", "exec:", "vhost-user:", "vhost-user:virtio-blk",
      "vhost-user::/run/a", "vhost-user:virtio-blk:",
    ])
  func refused(text: String) { #expect(ConnectorAddress(text) == nil) }

  @Test("A device type whose number nobody knows is refused")
  func unknownType() throws {
    let address = try #require(ConnectorAddress("vhost-user:virtio-teapot:/run/a"))
    #expect(throws: BusError.refused(.invalid)) { _ = try address.connector() }
  }

  @Test(
    "Where nobody listens there is no bus",
    arguments: [
      "/nowhere", "tcp:127.0.0.1:1", "tty:/nowhere", "vhost-user:virtio-blk:/nowhere",
    ])
  func nobody(text: String) throws {
    let address = try #require(ConnectorAddress(text))
    #expect(throws: BusError.self) { _ = try address.connector() }
  }

  @Test("A command that does not speak the protocol is no bus")
  func wrongCommand() throws {
    let address = try #require(ConnectorAddress("exec:true"))
    #expect(throws: BusError.disconnected) { _ = try address.connector() }
  }

  @Test("A relay is a command", .needs(.programs))
  func command() throws {
    let lab = try BusLab(.socket)
    let rng = try lab.rng()
    let folder = try #require(programFolder)
    let address = try #require(
      ConnectorAddress("exec:exec '\(folder)/vbusfs' relay '\(lab.busPath)'"))
    let client = try BusClient(address.connector())
    #expect(try client.devices().map(\.id) == [rng.offer.devID])
    let ring = try Ring(0, .ioq(4, .fromDevice), of: client.open(rng.offer.devID))
    _ = ring
    client.disconnect()
    let other = try lab.client(for: rng)
    _ = try awaitAnswer("the device") { try? other.open(rng.offer.devID) }
  }

  @Test("A relay listens on a port of this machine and says which", .needs(.programs))
  func listening() throws {
    let lab = try BusLab(.socket)
    let rng = try lab.rng()
    let folder = try #require(programFolder)
    let (output, far) = try makePipe()
    let relay = try spawn(
      "/bin/sh", ["-c", "exec '\(folder)/vbusfs' relay --listen 0 '\(lab.busPath)' >&3"],
      environment: environmentTexts(), descriptors: [far])
    defer {
      try? send(signal: Signal.kill, to: relay)
      _ = try? awaitEnd(of: relay)
    }
    try #require(wait(on: output, milliseconds: 20_000))
    let line = String(decoding: try read(output, upTo: 100), as: UTF8.self)
    let place = line.split(separator: "\n").first ?? ""
    let address = try #require(ConnectorAddress("tcp:\(place)"))
    #expect(try BusClient(address.connector()).devices().map(\.id) == [rng.offer.devID])
  }

  /// Runs a script with `$port`, where a relay of the bus listens, and `$bus`, the bus itself.
  private func overRelay(_ lab: BusLab, _ script: String) throws -> Outcome {
    try shell(
      """
      exec 5< <(exec vbusfs relay --listen 0 "$bus" 2>/dev/null)
      relay=$!
      IFS=: read -r _ port <&5
      \(script)
      kill $relay
      """, environment: ["bus=\(lab.busPath)"])
  }

  @Test(
    "However a guest ends, its devices are free soon", .needs(.programs),
    arguments: [
      "vbusfs guest tcp:127.0.0.1:$port receive $id --count 1 --timeout 1",
      "vbusfs guest tcp:127.0.0.1:$port receive $id --count 1 & sleep 1; kill -TERM $!; wait $!",
      "timeout --signal=INT 1 vbusfs guest tcp:127.0.0.1:$port receive $id",
      "vbusfs guest tcp:127.0.0.1:$port read $id",
      "vbusfs guest tcp:127.0.0.1:$port identify $id | true",
    ])
  func goodbye(_ command: String) throws {
    let lab = try BusLab(.socket)
    let card = try lab.card()
    let outcome = try overRelay(
      lab,
      """
      id=\(card.offer.devID)
      { \(command); } >/dev/null 2>&1
      # The relay hears of it soon; it would keep the device for ten seconds otherwise.
      for ((tenth = 0; tenth < 20; tenth++)); do
        if vbusfs guest "$bus" identify $id; then break; fi
        sleep 0.1
      done
      """)
    #expect(outcome.lines.contains("virtio_device 1"))
    #expect(outcome.succeeded)
  }

  @Test("A relay of a bus that is not there says so", .needs(.programs))
  func relayToNowhere() throws {
    for options in ["</dev/null", "--listen 0"] {
      let outcome = try shell("timeout 10 vbusfs relay /nowhere \(options)")
      #expect(outcome.ending == .exited(1))
      #expect(outcome.text.hasPrefix("Error: /nowhere: nobody serves a bus there: ENOENT"))
    }
  }

  @Test("A relay cannot wait for a file, and says which", .needs(.programs))
  func relayOfFile() throws {
    let lab = try BusLab(.socket)
    for (streams, sentence) in [
      ("</dev/null", "Error: standard input is no stream"),
      ("2>&1 >/dev/null < <(sleep 10)", "Error: standard output is no stream"),
    ] {
      let outcome = try shell(
        "timeout 10 vbusfs relay \"$bus\" \(streams)", environment: ["bus=\(lab.busPath)"])
      #expect(outcome.ending == .exited(1))
      #expect(outcome.text.hasPrefix(sentence))
    }
  }

  @Test("A relay that listens says why a session ended", .needs(.programs))
  func relayReports() throws {
    let outcome = try shell(
      """
      exec 5< <(exec vbusfs relay --listen 0 exec:true 2>&1)
      relay=$!
      IFS=: read -r _ port <&5
      vbusfs guest tcp:127.0.0.1:$port list >/dev/null 2>&1
      read -r -t 20 sentence <&5; echo "$sentence"
      kill $relay
      """)
    #expect(outcome.lines == ["vbusfs relay: the connection to the bus has ended"])
  }

  @Test(
    "A command that neither speaks nor ends is ended with all that it started",
    arguments: ["echo $$ >$OUT; exec sleep 100", "sleep 100 & echo $! >$OUT; wait"])
  func deafCommand(_ command: String) throws {
    var options = StreamConnector.Options()
    options.patienceMilliseconds = 200
    let (reading, writing) = try makePipe()
    let place = "/proc/\(processNumber())/fd/\(writing.number)"
    #expect(throws: BusError.self) {
      _ = try ConnectorAddress.command(command.replacing("$OUT", with: place))
        .connector(options)
    }
    let text = String(decoding: try read(reading, upTo: 100), as: UTF8.self)
    let pid = try #require(text.split(separator: "\n").first.flatMap { Int32($0) })
    // Of one that nobody has collected yet it is empty.
    _ = try awaitAnswer("its end") {
      let text = try? readFile("/proc/\(pid)/cmdline")
      return text?.isEmpty == false ? nil : true
    }
  }

  @Test("A relay without an address is refused with a sentence", .needs(.programs))
  func badRelay() throws {
    let folder = try #require(programFolder)
    let outcome = try shell("'\(folder)/vbusfs' relay tcp:nowhere 2>&1")
    #expect(!outcome.succeeded)
    #expect(outcome.lines.joined().contains("no address of a bus"))
  }
}
