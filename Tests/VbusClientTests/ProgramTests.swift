import LinuxSystem
import TestSupport
import Testing

/// Where the programs of this build lie.
private let built = (try? programPath()).map { path in
  path.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 }
}

private let sources = "\(#filePath)".split(separator: "/").dropLast(3).reduce(into: "") {
  $0 += "/" + $1
}

/// The examples in Swift are a package of their own: they see what any other package sees.
private let examples = sources + "/.build/examples/debug"

/// Runs a script with `$bus`, the socket, `$built`, the folder of the programs, and `$swift`, that
/// of the examples in Swift.
private func run(
  _ listener: Listener, _ script: String, seconds: Int = 60
) throws -> TestSupport.Outcome {
  try shell(
    script,
    environment: ["bus=\(listener.path)", "built=\(built ?? "")", "swift=\(examples)"],
    seconds: seconds)
}

@Suite("vbusfs guest", .needs(.programs), .timeLimit(.minutes(2)))
struct GuestCommandTests {
  @Test("Lists the devices of a bus")
  func list() throws {
    let listener = try Listener()
    defer { listener.end() }
    let outcome = try run(listener, "vbusfs guest $bus list")
    #expect(outcome.text == "0 virtual-ethernet\n1 virtual-disk\n")
  }

  @Test("Watches devices come and go")
  func watch() throws {
    let listener = try Listener()
    defer { listener.end() }
    let changes = try Thread { [listener] in
      pause(milliseconds: 1000)
      listener.tell(.drop(0))
      pause(milliseconds: 100)
      listener.tell(.add(2, "virtual-disk"))
    }
    let outcome = try run(listener, "vbusfs guest $bus watch --timeout 2")
    changes.join()
    #expect(
      outcome.text == """
        added 0 virtual-ethernet
        added 1 virtual-disk
        dropped 0
        added 2 virtual-disk

        """)
  }

  @Test("Says what a device is")
  func identify() throws {
    let listener = try Listener()
    defer { listener.end() }
    let outcome = try run(listener, "vbusfs guest $bus identify 1")
    #expect(
      outcome.text == """
        virtio_device 2
        queues 2
        queue_size_max 1024
        configuration_bytes 8
        features 0x130000000

        """)
  }

  @Test("Sends frames, and prints those that come back")
  func echo() throws {
    let listener = try Listener()
    defer { listener.end() }
    let frame = String(repeating: "0a", count: 60)
    let outcome = try run(
      listener,
      "printf '\(frame)\\n\\n\(frame)0b\\n' | vbusfs guest $bus send 0 --receive 2 --timeout 20")
    #expect(outcome.text == "\(frame)\n\(frame)0b\n")
    #expect(outcome.succeeded)
  }

  @Test("Reads bytes of a disk")
  func read() throws {
    let listener = try Listener()
    defer { listener.end() }
    let outcome = try run(
      listener, "vbusfs guest $bus read 1 --offset 600 --count 3 | od -An -tu1")
    let expected = (600..<603).map { String(HostDevice.byte(UInt64($0))) }
    #expect(outcome.text.split { $0 == " " || $0 == "\n" }.map(String.init) == expected)
  }

  @Test(
    "What cannot be done is refused with status 1 and a sentence",
    arguments: [
      ("/nowhere list", "Error: /nowhere: nobody serves a bus there: ENOENT"),
      ("$bus identify 9", "Error: device 9 of $bus: refused: ENOENT"),
      ("$bus receive 1", "Error: device 1 of $bus is no network card, but virtual-disk"),
      ("$bus read 0", "Error: device 0 of $bus is no disk"),
      ("$bus read 1 --offset 1000000000", "Error: device 1 of $bus has 536870912 bytes"),
      ("$bus receive 0 --count 1 --timeout 0.1", "Error: device 0 of $bus: 0 of 1 frames came"),
      ("$bus send 1 </dev/null", "Error: device 1 of $bus is no network card, but virtual-disk"),
      ("$bus send 0 <<<abc", "Error: \"abc\" is no Ethernet frame"),
      ("$bus send 0 <<<0102", "Error: \"0102\" is no Ethernet frame"),
    ])
  func refused(_ command: String, _ sentence: String) throws {
    let listener = try Listener()
    defer { listener.end() }
    let outcome = try run(listener, "vbusfs guest \(command)")
    #expect(outcome.ending == .exited(1))
    #expect(outcome.text.hasPrefix(sentence.replacing("$bus", with: listener.path)))
  }

  @Test(
    "What makes no sense is refused with status 64, before anything is connected to",
    arguments: [
      ("", "Missing expected argument '<socket>'"),
      ("/none", "Missing expected argument '<action>'"),
      ("/none steal", "The value 'steal' is invalid for '<action>'"),
      ("list /none", "The value '/none' is invalid for '<action>'"),
      ("/none list 0", "list takes no device"),
      ("/none read", "read takes the number of a device"),
      ("/none read -- -1", "The value '-1' is invalid for '<id>'"),
      ("/none list --timeout 1", "list takes no --timeout"),
      ("/none send 0 --count 1", "send takes no --count"),
      ("/none receive 0 --offset 1", "receive takes no --offset"),
      ("/none identify 0 --receive 1", "identify takes no --receive"),
      ("/none watch --timeout=-1", "--timeout takes seconds, from 0 to 1000000"),
    ])
  func misused(_ command: String, _ sentence: String) throws {
    let outcome = try shell("vbusfs guest \(command)")
    #expect(outcome.ending == .exited(64))
    #expect(outcome.text.hasPrefix("Error: \(sentence)"))
  }
}

@Suite("Programs to start from", .timeLimit(.minutes(3)))
struct ExampleTests {
  /// Compiles those in C where they are missing, and runs a script with `$examples`, theirs.
  private func runC(_ listener: Listener, _ script: String) throws -> TestSupport.Outcome {
    try run(
      listener,
      """
      set -eu
      examples=$(mktemp -d)
      trap 'rm -r "$examples"' EXIT
      # Whoever builds these tests has one: Swift's, if no other.
      compiler=$(PATH=\(environmentValue("PATH") ?? "") && command -v cc || command -v clang)
      for program in watch disk_reader frame_echo numbers; do
        source=\(sources)/examples/c/$program.c
        [ -e $source ] || source=\(sources)/Tests/VbusClientTests/C/$program.c
        $compiler -std=c11 -Wall -Wextra -Werror -I\(sources)/Sources/CVbus/include \\
          -o $examples/$program $source -L$built -lvbus -Wl,-rpath,$built
      done
      \(script)
      """, seconds: 120)
  }

  static let library = Need(
    isPresent: (built ?? "") + "/libvbus.so", name: "libvbus.so beside the tests")
  static let swift = Need(
    isPresent: examples + "/Trace", name: "the examples in Swift (examples/swift/build)")

  @Test("A disk is read in C", .needs(library))
  func diskInC() throws {
    let listener = try Listener()
    defer { listener.end() }
    let outcome = try runC(listener, "$examples/disk_reader $bus 1 70000 | sha256sum")
    let own = try run(listener, "vbusfs guest $bus read 1 --count 70000 | sha256sum")
    #expect(outcome.text == own.text)
    #expect(outcome.succeeded)
  }

  @Test("A disk is read in Swift", .needs(swift))
  func diskInSwift() throws {
    let listener = try Listener()
    defer { listener.end() }
    let outcome = try run(listener, "$swift/DiskReader $bus 1 70000 | sha256sum")
    let own = try run(listener, "vbusfs guest $bus read 1 --count 70000 | sha256sum")
    #expect(outcome.text == own.text)
  }

  @Test("Devices are watched in C", .needs(library))
  func watchInC() throws {
    let listener = try Listener()
    defer { listener.end() }
    let outcome = try runC(listener, "timeout 2 $examples/watch $bus || true")
    #expect(outcome.text == "added 0 virtual-ethernet\nadded 1 virtual-disk\n")
  }

  @Test("Devices are watched in Swift", .needs(swift))
  func watchInSwift() throws {
    let listener = try Listener()
    defer { listener.end() }
    let outcome = try run(listener, "timeout 2 $swift/Watch $bus || true")
    #expect(outcome.text == "added 0 virtual-ethernet\nadded 1 virtual-disk\n")
  }

  /// A host whose cards get a frame at first, and each that they send.
  private func greeter() throws -> Listener {
    var behaviour = Host.Behaviour()
    behaviour.greeting = [UInt8](0..<60)
    return try Listener(behaviour)
  }

  @Test("Frames are sent back in C", .needs(library))
  func echoInC() throws {
    let listener = try greeter()
    defer { listener.end() }
    let outcome = try runC(listener, "$examples/frame_echo $bus 1000")
    #expect(outcome.text == "02:00:00:00:00:07\n")
    #expect(outcome.succeeded)
  }

  @Test("Frames are sent back in Swift", .needs(swift))
  func echoInSwift() throws {
    let listener = try greeter()
    defer { listener.end() }
    let outcome = try run(listener, "$swift/FrameEcho $bus 1000")
    #expect(outcome.text == "")
    #expect(outcome.succeeded)
  }

  @Test("A connector of another package is asked for all that a client wants", .needs(swift))
  func connectorInSwift() throws {
    let listener = try Listener()
    defer { listener.end() }
    let outcome = try run(listener, "$swift/Trace $bus")
    #expect(
      outcome.text == """
          open 0
          call 256 with 16 bytes
          call 257 with 8 bytes
        0 virtual-ethernet is virtio 1 of type 1
          close
          open 1
          call 256 with 16 bytes
          call 257 with 8 bytes
        1 virtual-disk is virtio 1 of type 2
          close
          disconnect

        """)
  }

  @Test("A bus that is none is refused in both", .needs(library, swift))
  func refused() throws {
    let listener = try Listener()
    defer { listener.end() }
    let outcome = try runC(
      listener,
      "$examples/watch /none || echo $?; $examples/frame_echo /none || echo $?; "
        + "$swift/Watch /none || echo $?")
    let sentence = "/none: nobody serves a bus there: ENOENT (No such file or directory)"
    #expect(
      outcome.text == """
        watch: \(sentence)
        1
        frame_echo: \(sentence)
        1
        Watch: \(sentence.dropFirst(7))
        1

        """)
  }

  @Test("What a program in C does wrong is refused", .needs(library))
  func numbers() throws {
    let listener = try Listener()
    defer { listener.end() }
    let outcome = try runC(listener, "$examples/numbers $bus")
    #expect(outcome.text == "")
    #expect(outcome.succeeded)
  }
}
