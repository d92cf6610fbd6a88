import TestSupport
import Testing

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
      let program = try SessionProgram(lab)
      #expect(try program.ask(request).hasPrefix("error EINVAL "))
      #expect(try program.ask("hello 1").hasPrefix("ok 1 "))
    }

    @Test("Before hello there is no container to make a device in")
    func noHello() throws {
      let lab = try Lab()
      defer { lab.end() }
      let program = try SessionProgram(lab)
      #expect(try program.refusal("device rng") == "error ENOTCONN the session has no container")
      #expect(try program.refusal("remove x") == "error ENOENT the session has no such device")
    }

    @Test("A second hello is refused: a session has one container")
    func secondHello() throws {
      let lab = try Lab()
      defer { lab.end() }
      let program = try SessionProgram(begunIn: lab)
      #expect(
        try program.refusal("hello 1") == "error EEXIST the session has its container already")
    }

    @Test("A request of 4097 bytes or more is refused, one of 4096 is read")
    func tooLong() throws {
      let lab = try Lab()
      defer { lab.end() }
      let program = try SessionProgram(begunIn: lab)
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
      let program = try SessionProgram(begunIn: lab)
      #expect(try program.refusal(request) == says)
      #expect(try lab.run("ls devices").text == "")
      #expect(try program.ask("device rng").hasPrefix("ok "))
    }

    @Test("What is refused stands in last_error too")
    func lastError() throws {
      let lab = try Lab()
      defer { lab.end() }
      let program = try SessionProgram(begunIn: lab)
      _ = try program.ask("device blk")
      #expect(
        try lab.run("reason; sed -n 's/^accepted: //p' last_error").text
          == "devices of this class are not made by sessions\nconsole net rng\n")
    }

    @Test("What others made is not removed by it")
    func notItsOwn() throws {
      let lab = try Lab()
      defer { lab.end() }
      let program = try SessionProgram(begunIn: lab)
      let other = try SessionProgram(begunIn: lab)
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
      let program = try SessionProgram(begunIn: lab)
      for _ in 0..<16 { _ = try program.device("device rng") }
      #expect(
        try program.refusal("device rng") == "error EDQUOT the session has 16 devices already")
      let others = try (0..<15).map { _ in try SessionProgram(begunIn: lab) }
      #expect(
        try SessionProgram(lab).receive().hasPrefix("error EDQUOT the user has 16 sessions already")
      )
      #expect(others.count == 15)
    }

    @Test("A session whose connection is closed counts until nothing is left of it")
    func waiting() throws {
      let lab = try Lab()
      defer { lab.end() }
      let others = try (0..<15).map { _ in try SessionProgram(begunIn: lab) }
      do {
        let program = try SessionProgram(begunIn: lab)
        _ = try program.device("device rng")
        _ = try lab.run("kill -STOP $(cat containers/\(program.container)/engine/pid)")
      }
      #expect(
        try SessionProgram(lab).receive().hasPrefix("error EDQUOT the user has 16 sessions already")
      )
      _ = try lab.run("kill -CONT $(cat containers/*/engine/pid)")
      _ = try awaitAnswer("the session to be gone") {
        try lab.run("ls containers | wc -l").text == "15\n" ? true : nil
      }
      let next = try SessionProgram(begunIn: lab)
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
      let program = try SessionProgram(begunIn: lab)
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
