import LinuxSystem
import TestSupport
import Testing
import VbusClient

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
      let program = try SessionProgram(begunIn: lab)
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
      let program = try SessionProgram(begunIn: lab)
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
      let program = try SessionProgram(begunIn: lab)
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
      let program = try SessionProgram(begunIn: lab)
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
      let program = try SessionProgram(begunIn: lab)
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
        let program = try SessionProgram(begunIn: lab)
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
        let program = try SessionProgram(begunIn: lab)
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
      let program = try SessionProgram(begunIn: lab)
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
        let program = try SessionProgram(begunIn: lab)
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
      let program = try SessionProgram(begunIn: lab)
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
      let program = try SessionProgram(begunIn: lab)
      let file = try SilentFile(leaving: rest)
      let control = try #require(Int32(lab.run("pid_of control").lines.first ?? ""))
      try LinuxSystem.send(signal: Signal.stop, to: control)
      try program.send("device rng", file.open())
      try file.fallSilent()
      try LinuxSystem.send(signal: Signal.resume, to: control)
      #expect(throws: Errno.connectionReset) { try program.receive() }
      let other = try SessionProgram(begunIn: lab)
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
