import LinuxSystem
import TestSupport
import Testing
import VbusClient
import VbusLink

extension MountTests {
  /// Native clients of a container: this process, by its socket.
  @Suite("The socket of a container")
  struct BusTests {
    private static let pid = processNumber()

    private static func attach(_ lab: Lab, _ container: String = "lab") throws -> BusClient {
      try BusClient(connectingTo: "\(lab.tree)/containers/\(container)/socket")
    }

    /// Waits until a file of the tree shows a text.
    private static func await(_ lab: Lab, _ file: String, _ text: String) throws {
      _ = try awaitAnswer("\(file) to be \(text)") {
        try lab.run("cat \(file) 2>/dev/null").text == text + "\n" ? true : nil
      }
    }

    @Test("is there from mkdir on, with the directory's mode, and gone after rmdir")
    func made() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        mkdir -m 770 containers/lab; stat -L -c '%F %a %U' containers/lab/socket
        readlink containers/lab/socket; rmdir containers/lab; ls $LAB/run/buses | wc -l
        """)
      #expect(outcome.text == "socket 660 root\n$LAB/run/buses/lab\n0\n")
    }

    @Test("follows chmod, chown and mv, and lets everybody knock where somebody else is allowed")
    func follows() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        mkdir containers/lab; chmod 700 containers/lab; chown nobody containers/lab
        mv containers/lab containers/b; stat -L -c '%a %U' containers/b/socket
        echo @27 >containers/b/members/allow; stat -L -c %a containers/b/socket
        echo >containers/b/members/allow; stat -L -c %a containers/b/socket; ls $LAB/run/buses
        """)
      #expect(outcome.text == "600 nobody\n666\n600\nb\n")
    }

    @Test("is a client's of an empty container: the engine comes with it, and goes after it")
    func empty() throws {
      let lab = try Lab()
      defer { lab.end() }
      #expect(
        try lab.run("mkdir containers/lab; cat containers/lab/engine/status").text == "stopped\n")
      let client = try Self.attach(lab)
      #expect(try client.devices().isEmpty)
      try Self.await(lab, "containers/lab/status", "running")
      client.disconnect()
      try Self.await(lab, "containers/lab/engine/status", "stopped")
      #expect(try lab.run("cat containers/lab/status").text == "idle\n")
    }

    @Test("tells a waiting client of what is plugged in, and of what is unplugged")
    func hotplug() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.run("mkdir containers/lab")
      let client = try Self.attach(lab)
      #expect(try lab.run("live d").text == "")
      #expect(try client.nextEvent(milliseconds: 5000) == .deviceAdded(id: 0, type: "virtio-blk"))
      #expect(try lab.run("rm containers/lab/devices/d").text == "")
      #expect(try client.nextEvent(milliseconds: 5000) == .deviceDropped(id: 0))
    }

    @Test("A client is listed among the members, with the devices it has open")
    func members() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.run("live d")
      let client = try Self.attach(lab)
      let device = try client.open(0)
      let member = "containers/lab/members/\(Self.pid)"
      try Self.await(lab, "\(member)/devices", "1")
      let outcome = try lab.run(
        """
        ls containers/lab/members; cat \(member)/uid; stat -c %h containers/lab/members
        grep -c '^20..-..-..T..:..:..\\....Z$' \(member)/since; cat devices/d/status
        """)
      #expect(outcome.text == "\(Self.pid)\nallow\ncount\n0\n3\n1\nlistening\n")
      withExtendedLifetime(device) {}
      client.disconnect()
      _ = try awaitAnswer("the member to go") {
        try lab.run("ls containers/lab/members").text == "allow\ncount\n" ? true : nil
      }
    }

    @Test("Whoever waits for members to come or go is told")
    func count() throws {
      let lab = try Lab()
      defer { lab.end() }
      let waiting = try lab.run("mkdir containers/lab; cat containers/lab/members/count")
      #expect(waiting.text == "0\n")
      let client = try Self.attach(lab)
      #expect(try lab.run("vbusfs wait containers/lab/members/count 1 --timeout 9").text == "")
      client.disconnect()
      #expect(try lab.run("vbusfs wait containers/lab/members/count 0 --timeout 9").text == "")
    }

    @Test("It can be removed while its engine has not let go of what was unplugged")
    func removedMeanwhile() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        live d; engine=$(cat containers/lab/engine/pid); kill -STOP $engine
        rm containers/lab/devices/d & until [ ! -e containers/lab/devices/d ]; do sleep 0.01; done
        rmdir containers/lab; ls containers; kill -CONT $engine; wait $!; cat devices/d/status
        until has_ended $engine; do sleep 0.01; done
        """)
      #expect(outcome.text == "enabled\n")
      #expect(outcome.succeeded)
    }

    @Test("There are 4096; one more container is refused, and all are taken up after a death")
    func most() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        mkdir containers/{1..4096}; mkdir containers/more; reason
        kill_control; ls containers | wc -l; ls $LAB/run/buses | wc -l
        rmdir containers/7; mkdir containers/more
        """, seconds: 60)
      #expect(
        outcome.text == """
          mkdir: cannot create directory 'containers/more': Too many open files in system
          there are 4096 containers, and each has a socket
          4096
          4096

          """)
    }

    @Test("Clients and members outlive control, and the engine")
    func deaths() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.run("live d; mkdir containers/empty")
      let client = try Self.attach(lab)
      _ = try client.devices()
      #expect(try lab.run("kill_control; cat version").text == "1\n")
      try Self.await(lab, "containers/lab/members/\(Self.pid)/devices", "0")
      #expect(try lab.run("kill -KILL $(cat containers/lab/engine/pid)").text == "")
      #expect(try client.devices().map(\.id) == [0])
      let other = try Self.attach(lab, "empty")
      #expect(try other.devices().isEmpty)
    }

    @Test("A client that comes while control is dead waits for the next one")
    func waits() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.run("mkdir containers/lab; kill -STOP $(pid_of control)")
      let channel = try connectPackets(toAnyLength: "\(lab.runtime)/buses/lab")
      #expect(try lab.run("kill -KILL $(pid_of control)", in: lab.folder).text == "")
      let client = try BusClient(SocketConnector(channel))
      #expect(try client.devices().isEmpty)
    }

    @Test("Engines come and go as clients do, a hundred times")
    func churn() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.run("mkdir containers/lab")
      for _ in 0..<100 {
        let client = try Self.attach(lab)
        #expect(try client.devices().isEmpty)
        client.disconnect()
      }
      try Self.await(lab, "containers/lab/status", "idle")
    }

    @Test(
      "A device is plugged in while its engine is about to go, and is there for the next client")
    func pluggedMeanwhile() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.run("disk d; echo 1 >devices/d/enabled; mkdir containers/lab")
      for turn in 0..<20 {
        try Self.attach(lab).disconnect()
        #expect(try lab.run("plug d").text == "")
        let client = try Self.attach(lab)
        #expect(try client.devices().map(\.id) == [UInt32(turn)])
        client.disconnect()
        #expect(try lab.run("rm containers/lab/devices/d").text == "")
      }
    }
  }
}

extension MountTests {
  @Suite("A device that a client keeps")
  struct KeptDeviceTests {
    private struct Held {
      let lab: Lab
      let client: BusClient
      let device: DeviceConnection

      /// A live device that this process has open.
      init() throws {
        lab = try Lab()
        _ = try lab.run("live d; mkdir containers/other")
        client = try BusClient(connectingTo: "\(lab.tree)/containers/lab/socket")
        device = try client.open(0)
      }

      /// Whether the device still answers.
      var answers: Bool { (try? device.call(VirtioFunction.identify.rawValue, identity)) != nil }
      private let identity = [UInt8](repeating: 0, count: 16)
    }

    @Test("is unplugged, and works on until it is closed")
    func unplugged() throws {
      let held = try Held()
      defer { held.lab.end() }
      #expect(
        try held.lab.run("rm containers/lab/devices/d; cat devices/d/status").text == "enabled\n")
      #expect(held.answers)
      #expect(throws: BusError.refused(.noEntry)) { try held.client.open(0) }
    }

    @Test("is taken from it when the device is disabled")
    func disabled() throws {
      let held = try Held()
      defer { held.lab.end() }
      #expect(try held.lab.run("rm containers/lab/devices/d; echo 0 >devices/d/enabled").text == "")
      _ = try awaitAnswer("the device to be taken") { held.answers ? nil : true }
    }

    @Test("is taken from it when the device is disabled, by a control that came after unplugging")
    func disabledLater() throws {
      let held = try Held()
      defer { held.lab.end() }
      #expect(try held.lab.run("rm containers/lab/devices/d; kill_control").text == "")
      #expect(held.answers)
      #expect(try held.lab.run("echo 0 >devices/d/enabled").text == "")
      _ = try awaitAnswer("the device to be taken") { held.answers ? nil : true }
    }

    @Test("is taken from it when the device is removed")
    func removed() throws {
      let held = try Held()
      defer { held.lab.end() }
      #expect(try held.lab.run("rm containers/lab/devices/d; rmdir devices/d").text == "")
      _ = try awaitAnswer("the device to be taken") { held.answers ? nil : true }
    }

    @Test("is taken from it before it is live in another container")
    func elsewhere() throws {
      let held = try Held()
      defer { held.lab.end() }
      let outcome = try held.lab.run(
        """
        rm containers/lab/devices/d; ln -s devices/d containers/other/devices/d
        cat devices/d/status
        """)
      #expect(outcome.text == "listening\n")
      #expect(!held.answers)
    }

    @Test("is refused to others with EBUSY when it is plugged in again where it was")
    func again() throws {
      let held = try Held()
      defer { held.lab.end() }
      #expect(try held.lab.run("rm containers/lab/devices/d; plug d").text == "")
      #expect(held.answers)
      #expect(throws: BusError.refused(.busy)) { try held.client.open(1) }
    }

    @Test("does not keep its container: rmdir lets the client go")
    func rmdir() throws {
      let held = try Held()
      defer { held.lab.end() }
      #expect(try held.lab.run("rm containers/lab/devices/d; rmdir containers/lab").text == "")
      _ = try awaitAnswer("the connection to end") { held.answers ? nil : true }
    }
  }
}

extension MountTests {
  @Suite("Who may attach to a container")
  struct AllowTests {
    /// Has a script's user connect and say HELLO: what becomes of it.
    private static let knock = """
      knock() {
        setpriv --reuid 65534 --regid ${1:-65534} ${2:---clear-groups} \
          /usr/bin/env perl -e '
          use Socket;
          socket(my $s, AF_UNIX, SOCK_SEQPACKET, 0) or die;
          connect($s, pack_sockaddr_un($ARGV[0])) or do { print "$!\\n"; exit };
          send($s, pack("LLLLQ", 16, 1, 0xbf53eef5, 1, 0), 0);
          recv($s, my $reply, 64, 0);
          $! = unpack("x8 l", $reply); print length($reply) ? $! + 0 : "closed", "\\n";
        ' $LAB/run/buses/lab
      }
      """

    private static func knock(_ script: String) throws -> String {
      let lab = try Lab()
      defer { lab.end() }
      return try lab.run("\(knock)\nmkdir containers/lab; \(script)").text
    }

    @Test("Another user may not, whom the mode lets only look")
    func other() throws { #expect(try Self.knock("knock") == "Permission denied\n") }

    @Test("The owner may")
    func owner() throws {
      #expect(try Self.knock("chown 65534 containers/lab; knock") == "0\n")
    }

    @Test("A group that may write may")
    func group() throws {
      #expect(
        try Self.knock("chgrp 27 containers/lab; chmod g+w containers/lab; knock 27") == "0\n")
    }

    @Test("A user or a group that allow names may", arguments: ["65534", "1 @27"])
    func allowed(_ text: String) throws {
      #expect(
        try Self.knock("echo '\(text)' >containers/lab/members/allow; knock 65534 --groups=27")
          == "0\n")
    }

    @Test("Somebody else may not while allow names others")
    func notAllowed() throws {
      #expect(try Self.knock("echo '1000 @27' >containers/lab/members/allow; knock") == "13\n")
    }

    @Test("allow may be written by who may write to the container, and by nobody else")
    func rights() throws {
      #expect(
        try Self.knock(
          """
          nobody bash -c 'echo 1 >containers/lab/members/allow'
          chown nobody containers/lab
          nobody bash -c 'echo 1 >containers/lab/members/allow'; cat containers/lab/members/allow
          """) == "containers/lab/members/allow: Permission denied\n1\n")
    }
  }
}
