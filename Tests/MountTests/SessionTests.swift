import LinuxSystem
import TestSupport
import Testing
import VbusClient

/// A program that has a session: this process.
private final class Program {
  private let channel: Channel
  private(set) var container = ""
  private(set) var socket = ""

  init(_ lab: Lab) throws { channel = try connectPackets(toAnyLength: lab.tree + "/session") }

  /// With its container.
  convenience init(begunIn lab: Lab) throws {
    try self.init(lab)
    let words = try ask("hello 1").split(separator: " ").map { String($0).trimmed }
    guard words.count == 4 else { throw Overdue(description: "\(words)") }
    (container, socket) = (words[2], words[3])
  }

  func send(_ request: String, _ descriptors: Descriptor...) throws {
    try channel.send(Packet(Array(request.utf8), descriptors))
  }

  func receive() throws -> String {
    guard wait(on: channel.descriptor, milliseconds: 20_000) else { throw Errno.timedOut }
    return String(decoding: try channel.receive()?.bytes ?? [], as: UTF8.self)
  }

  func ask(_ request: String) throws -> String {
    try send(request)
    return try receive()
  }

  /// What a refusal says, without what would be accepted.
  func refusal(_ request: String) throws -> String {
    try ask(request).split(separator: "\n").first.map(String.init) ?? ""
  }

  /// What `device` made.
  func device(_ request: String) throws -> String {
    let words = try ask(request).split(separator: " ").map(String.init)
    guard words.count == 3, words[0] == "ok" else { throw Overdue(description: "\(words)") }
    return words[1]
  }
}

extension String {
  fileprivate var trimmed: String { String(prefix { $0 != "\n" }) }
}

extension MountTests {
  @Suite("A session")
  struct SessionTests {
    private static func gone(_ lab: Lab) throws {
      _ = try awaitAnswer("all to be gone") {
        try lab.run("ls devices containers $LAB/run/buses").text
          == "$LAB/run/buses:\n\ncontainers:\n\ndevices:\n" ? true : nil
      }
    }

    @Test("is a container named after its process, with a socket, and visible as others are")
    func container() throws {
      let lab = try Lab()
      defer { lab.end() }
      let program = try Program(begunIn: lab)
      let outcome = try lab.run(
        """
        comm=$(tr -c '[:alnum:]' _ </proc/\(processNumber())/comm); echo ${comm%_}-\(processNumber())-0
        ls containers; stat -L -c '%F %a' containers/*/socket; cat containers/*/status
        """)
      #expect(outcome.text == "\(program.container)\n\(program.container)\nsocket 644\nidle\n")
      #expect(program.socket == "\(lab.runtime)/buses/\(program.container)")
    }

    @Test("makes devices that are live, with the values it asks for")
    func device() throws {
      let lab = try Lab()
      defer { lab.end() }
      let program = try Program(begunIn: lab)
      let name = program.container + "-net-0"
      #expect(try program.ask("device net mac=02:00:00:00:00:07 mtu=1400") == "ok \(name) 0\n")
      let outcome = try lab.run(
        "cd devices/\(name); cat mac mtu enabled status; readlink container")
      #expect(
        outcome.text
          == "02:00:00:00:00:07\n1400\n1\nlistening\n../../containers/\(program.container)\n")
    }

    @Test("takes a value with spaces on a line of its own, and limits by their path")
    func lines() throws {
      let lab = try Lab()
      defer { lab.end() }
      let program = try Program(begunIn: lab)
      let console = try program.device("device console backend=file\npath=\(lab.folder)/a b\n")
      let rng = try program.device("device rng limits/bytes_per_second=4096")
      #expect(
        try lab.run("cat devices/\(console)/path devices/\(rng)/limits/bytes_per_second").text
          == "$LAB/a b\n4096\n")
    }

    @Test("attaches to its devices by its container's socket")
    func attach() throws {
      let lab = try Lab()
      defer { lab.end() }
      let program = try Program(begunIn: lab)
      _ = try program.device("device rng")
      let client = try BusClient(connectingTo: program.socket)
      #expect(try client.devices().map(\.type) == ["virtio-rng"])
      _ = try program.device("device net")
      #expect(try client.devices().count == 2)
    }

    @Test("removes what it made, and numbers go on")
    func remove() throws {
      let lab = try Lab()
      defer { lab.end() }
      let program = try Program(begunIn: lab)
      let name = try program.device("device rng")
      #expect(try program.ask("remove \(name)") == "ok\n")
      #expect(try lab.run("ls devices").text == "")
      #expect(try program.ask("device rng") == "ok \(name) 1\n")
    }

    @Test("is gone with all its devices when its connection closes")
    func closed() throws {
      let lab = try Lab()
      defer { lab.end() }
      do {
        let program = try Program(begunIn: lab)
        for _ in 0..<4 { _ = try program.device("device net") }
        // The kernel has seen them, and must not go on showing them.
        #expect(
          try lab.run("stat devices/* containers/* >/dev/null; ls devices | wc -l").text == "4\n")
      }
      try Self.gone(lab)
      #expect(try lab.run("stat -c %h devices containers").text == "2\n2\n")
    }

    @Test("is gone also where others changed its things, and theirs stay")
    func meddled() throws {
      let lab = try Lab()
      defer { lab.end() }
      do {
        let program = try Program(begunIn: lab)
        let name = try program.device("device rng")
        _ = try lab.run(
          """
          mkdir containers/lab; rm containers/\(program.container)/devices/*
          ln -s devices/\(name) containers/lab/devices/x
          disk d; ln -s devices/d containers/\(program.container)/devices/d
          echo 1 >devices/d/enabled; mv containers/\(program.container) containers/moved
          """)
        #expect(try lab.run("ls containers").text == "lab\n\(program.container)\n")
      }
      _ = try awaitAnswer("the session to be gone") {
        try lab.run("ls devices containers").text == "containers:\nlab\n\ndevices:\nd\n"
          ? true : nil
      }
      #expect(try lab.run("cat devices/d/status; ls containers/lab/devices").text == "enabled\n")
    }

    @Test("goes on when control dies: each request is done, and done once")
    func deaths() throws {
      let lab = try Lab()
      defer { lab.end() }
      let program = try Program(begunIn: lab)
      for turn in 0..<12 {
        let name = "\(program.container)-net-0"
        try program.send("device net")
        _ = try lab.run("sleep 0.00\(turn % 6); kill -KILL $(pid_of control)", in: lab.folder)
        #expect(try program.receive() == "ok \(name) \(turn)\n")
        try program.send("remove \(name)")
        _ = try lab.run("sleep 0.00\(turn / 2); kill -KILL $(pid_of control)", in: lab.folder)
        #expect(try program.receive() == "ok\n")
      }
    }

    @Test("is cleared up by the next control when it ended while control was dead")
    func endedMeanwhile() throws {
      let lab = try Lab()
      defer { lab.end() }
      do {
        let program = try Program(begunIn: lab)
        _ = try program.device("device net")
        _ = try lab.run("ls -l devices; kill -STOP $(pid_of control)")
      }
      #expect(try lab.run("kill -KILL $(pid_of control)", in: lab.folder).text == "")
      try Self.gone(lab)
    }

    @Test("does not outlive its keeper")
    func keeperKilled() throws {
      let lab = try Lab()
      defer { lab.end() }
      let program = try Program(begunIn: lab)
      _ = try program.device("device net")
      _ = try lab.run(
        "keep_pids; cd $LAB; kill -KILL $(pid_of keeper); await_end; mount_tree", in: lab.folder)
      try Self.gone(lab)
      #expect(try program.receive() == "")
    }

    @Test(
      "ends when a descriptor comes, and holds up nobody where its file system does not answer",
      .needs(.root), arguments: SilentFile.Rest.allCases)
    func silentFile(_ rest: SilentFile.Rest) throws {
      let lab = try Lab()
      defer { lab.end() }
      let program = try Program(begunIn: lab)
      let file = try SilentFile(leaving: rest)
      let control = try #require(Int32(lab.run("pid_of control").lines.first ?? ""))
      try LinuxSystem.send(signal: Signal.stop, to: control)
      try program.send("device rng", file.open())
      try file.fallSilent()
      try LinuxSystem.send(signal: Signal.resume, to: control)
      #expect(throws: Errno.connectionReset) { try program.receive() }
      let other = try Program(begunIn: lab)
      // For this a process is started.
      #expect(try other.ask("device console backend=file path=\(lab.folder)/c").hasPrefix("ok "))
      #expect(try lab.run("ls devices | wc -l").text == "1\n")
    }

    @Test("is an ordinary user's too: what it makes is his, and opened with his rights")
    func ordinary() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        : >$LAB/secret; chmod 600 $LAB/secret
        \(Self.asNobody) 'hello 1' 'device rng' 'device console
        backend=file
        path='$LAB/secret | sed 's/ [^ ]*-perl[^ ]*//; s/perl-[0-9]*-/perl-N-/g'
        """)
      #expect(
        outcome.text == """
          ok 1 perl-N-0 $LAB/run/buses/perl-N-0
          ok perl-N-0-rng-0 0
          error EACCES $LAB/secret could not be opened: Permission denied
          nobody perl-N-0-rng-0

          """)
    }

    /// Asks what the arguments say, prints the answers, and then whose devices there are.
    private static let asNobody = """
      nobody perl -e '
        use Socket;
        socket(my $s, AF_UNIX, SOCK_SEQPACKET, 0) or die;
        connect($s, pack_sockaddr_un(shift)) or die $!;
        for (@ARGV) { send($s, $_, 0); recv($s, my $r, 4096, 0); print $r =~ s/\\naccepted.*//sr, $r =~ /^ok/ ? "" : "\\n" }
        $| = 1; system("stat -c %U\\\\ %n devices/* | sed s,devices/,,")
      ' $LAB/run/session
      """
  }
}

extension MountTests {
  @Suite("What a session is refused")
  struct RefusedSessionTests {
    @Test(
      "A request that makes no sense is refused with a sentence, and the session goes on",
      arguments: [
        "", " ", "hello", "hello 2", "hello 1 2", "Hello 1", "device", "remove", "remove a b", "x",
        "\u{0}", "device net mac", "device net =1", "hello 1\nx",
      ].filter { !$0.isEmpty })
    func nonsense(_ request: String) throws {
      let lab = try Lab()
      defer { lab.end() }
      let program = try Program(lab)
      #expect(try program.ask(request).hasPrefix("error EINVAL "))
      #expect(try program.ask("hello 1").hasPrefix("ok 1 "))
    }

    @Test("Before hello there is no container to make a device in")
    func noHello() throws {
      let lab = try Lab()
      defer { lab.end() }
      let program = try Program(lab)
      #expect(try program.refusal("device rng") == "error ENOTCONN the session has no container")
      #expect(try program.refusal("remove x") == "error ENOENT the session has no such device")
    }

    @Test("A second hello is refused: a session has one container")
    func secondHello() throws {
      let lab = try Lab()
      defer { lab.end() }
      let program = try Program(begunIn: lab)
      #expect(
        try program.refusal("hello 1") == "error EEXIST the session has its container already")
    }

    @Test("A request of 4097 bytes or more is refused, one of 4096 is read")
    func tooLong() throws {
      let lab = try Lab()
      defer { lab.end() }
      let program = try Program(begunIn: lab)
      let request = "device rng "
      func padded(_ count: Int) -> String {
        request + String(repeating: " ", count: count - request.utf8.count)
      }
      #expect(
        try program.refusal(padded(4097)) == "error EMSGSIZE a request has more than 4096 bytes")
      #expect(
        try program.refusal(padded(9000)) == "error EMSGSIZE a request has more than 4096 bytes")
      #expect(try program.ask(padded(4096)).hasPrefix("ok "))
    }

    @Test(
      "A device that cannot be made leaves nothing, and the reason is the tree's own",
      arguments: [
        ("device nope", "error ENOENT there is no such device class"),
        ("device rng enabled=0", "error EINVAL the session enables its devices itself"),
        ("device blk", "error EPERM devices of this class are not made by sessions"),
        ("device net nope=1", "error ENOENT the device has no attribute nope"),
        ("device net ../x=1", "error ENOENT the device has no attribute ../x"),
        ("device net mac=x", "error EINVAL the value is not understood or out of range"),
        ("device net status=1", "error EACCES this file can only be read"),
        (
          "device net type=rng",
          "error EINVAL the device is a net already, and a type is written once"
        ),
        ("device net features=1", "error EISDIR this is a directory"),
        (
          "device console backend=socket path=/nowhere/s",
          "error ENOENT /nowhere/s could not be found: No such file or directory"
        ),
      ])
    func refused(_ request: String, _ says: String) throws {
      let lab = try Lab()
      defer { lab.end() }
      let program = try Program(begunIn: lab)
      #expect(try program.refusal(request) == says)
      #expect(try lab.run("ls devices").text == "")
      #expect(try program.ask("device rng").hasPrefix("ok "))
    }

    @Test("What is refused stands in last_error too")
    func lastError() throws {
      let lab = try Lab()
      defer { lab.end() }
      let program = try Program(begunIn: lab)
      _ = try program.ask("device blk")
      #expect(
        try lab.run("reason; sed -n 's/^accepted: //p' last_error").text
          == "devices of this class are not made by sessions\nconsole net rng\n")
    }

    @Test("What others made is not removed by it")
    func notItsOwn() throws {
      let lab = try Lab()
      defer { lab.end() }
      let program = try Program(begunIn: lab)
      let other = try Program(begunIn: lab)
      let name = try other.device("device rng")
      _ = try lab.run("disk d")
      for device in ["d", name, "", "..", "../containers/x"] {
        #expect(try program.ask("remove \(device)").hasPrefix("error "))
      }
      #expect(try lab.run("ls devices | wc -l").text == "2\n")
    }

    @Test("A 17th device of a session, and a 17th session of a user, are refused with EDQUOT")
    func limits() throws {
      let lab = try Lab()
      defer { lab.end() }
      let program = try Program(begunIn: lab)
      for _ in 0..<16 { _ = try program.device("device rng") }
      #expect(
        try program.refusal("device rng") == "error EDQUOT the session has 16 devices already")
      let others = try (0..<15).map { _ in try Program(begunIn: lab) }
      #expect(try Program(lab).receive().hasPrefix("error EDQUOT the user has 16 sessions already"))
      #expect(others.count == 15)
    }

    @Test("A session whose connection is closed counts until nothing is left of it")
    func waiting() throws {
      let lab = try Lab()
      defer { lab.end() }
      let others = try (0..<15).map { _ in try Program(begunIn: lab) }
      do {
        let program = try Program(begunIn: lab)
        _ = try program.device("device rng")
        _ = try lab.run("kill -STOP $(cat containers/\(program.container)/engine/pid)")
      }
      #expect(try Program(lab).receive().hasPrefix("error EDQUOT the user has 16 sessions already"))
      _ = try lab.run("kill -CONT $(cat containers/*/engine/pid)")
      _ = try awaitAnswer("the session to be gone") {
        try lab.run("ls containers | wc -l").text == "15\n" ? true : nil
      }
      let next = try Program(begunIn: lab)
      withExtendedLifetime((others, next)) {}
    }

    @Test("When there are 512 sessions, of whomever, the next one is refused with ENFILE")
    func mostOfAll() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        perl -e '
          use Socket;
          sub session {
            $> = shift;
            socket(my $s, AF_UNIX, SOCK_SEQPACKET, 0) or die $!;
            connect($s, pack_sockaddr_un($ARGV[0])) or die $!;
            $> = 0;
            return $s;
          }
          sub answer { recv(shift, my $r, 4096, 0); print $r =~ s/\\n.*//sr, "\\n"; }
          for my $user (1000..1031) { push @all, session($user) for 1..16 }
          answer(session(2000));
          send($all[511], "hello 1", 0);
          answer($all[511]);
        ' $LAB/run/session
        """)
      #expect(outcome.lines.first == "error ENFILE there are 512 sessions already")
      #expect(outcome.lines.last?.hasPrefix("ok 1 perl-") == true)
    }

    @Test("session_classes is an administrator's to write, and counts from then on")
    func classes() throws {
      let lab = try Lab()
      defer { lab.end() }
      let program = try Program(begunIn: lab)
      let outcome = try lab.run(
        """
        nobody bash -c 'echo blk >session_classes'; cat session_classes
        echo nope >session_classes; reason; echo blk >session_classes
        """)
      #expect(
        outcome.text == """
          session_classes: Permission denied
          console net rng
          echo: write error: No such file or directory
          there is no such device class

          """)
      #expect(try program.ask("device blk backend=memory capacity=1M").hasPrefix("ok "))
      #expect(try program.ask("device rng").hasPrefix("error EPERM "))
    }

    @Test("A user's mount gives no session to others, not to root either by its mode")
    func mode() throws {
      let lab = try Lab(mounted: false)
      defer { lab.end() }
      let outcome = try lab.run(
        """
        chown nobody $LAB; nobody vbusfs mount --runtime $LAB/run tree
        stat -c '%a %U' run/session; nobody vbusfs umount tree
        """, in: lab.folder)
      #expect(outcome.text == "600 nobody\n")
    }
  }
}
