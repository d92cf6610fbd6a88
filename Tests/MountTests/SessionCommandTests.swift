import TestSupport
import Testing

extension MountTests {
  @Suite("vbusfs session")
  struct SessionCommandTests {
    @Test("gives a program a container with its devices, and takes all away when it ends")
    func program() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        vbusfs session --tree $PWD --device 'net backend=loopback' --device rng -- bash -c '
          ls containers/$VBUS_CONTAINER/ids; vbusfs guest $VBUS_SOCKET list | wc -l'
        ls devices containers
        """)
      #expect(outcome.text == "0\n1\n2\ncontainers:\n\ndevices:\n")
    }

    @Test("passes the program's exit status on, and 128 and the signal that ended it")
    func status() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        vbusfs session --tree $PWD -- bash -c 'exit 7' || echo $?
        vbusfs session --tree $PWD -- bash -c 'kill -KILL $$' || echo $?
        """)
      #expect(outcome.text == "7\n137\n")
    }

    @Test("says why a device is refused, runs nothing and leaves nothing")
    func refused() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        vbusfs session --tree $PWD --device rng --device 'net mtu=7' -- echo ran || echo $?
        ls devices containers
        """)
      #expect(outcome.lines.first?.hasPrefix("Error: device net mtu=7: error EINVAL") == true)
      #expect(!outcome.lines.contains("ran"))
      #expect(outcome.text.hasSuffix("\n1\ncontainers:\n\ndevices:\n"))
    }

    @Test("gives a program its own bus in a session of another one's, and it alone")
    func nested() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        VBUS_CONTAINER=outer vbusfs session --tree $PWD -- grep -zc VBUS_ /proc/self/environ
        VBUS_CONTAINER=outer vbusfs session --tree $PWD -- grep -zc outer /proc/self/environ || echo $?
        """)
      #expect(outcome.text == "2\n0\n1\n")
    }

    @Test("lives as long as its program, which gets the signals that are to end it")
    func signals() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        vbusfs session --tree $PWD -- bash -c '
          trap "ls $PWD/containers | wc -l; kill \\$!; exit 5" TERM; sleep 60 & echo ready >$LAB/ready; wait
          ' & session=$!
        until [ -s $LAB/ready ]; do sleep 0.05; done
        kill -INT $session; sleep 0.2; ls containers | wc -l
        kill -TERM $session; wait $session; echo $?; ls containers
        """)
      #expect(outcome.text == "1\n1\n5\n")
    }

    @Test("without a program is refused")
    func nothing() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run("vbusfs session --tree $PWD -- || echo $?; ls containers")
      #expect(outcome.text.hasPrefix("Error: Say behind -- which program to run."))
      #expect(outcome.text.hasSuffix("\n64\n"))
    }

    @Test("of a user who has too many is told so")
    func tooMany() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        nested() { [ $1 = 0 ] || vbusfs session --tree $TREE -- bash -c "nested $(($1 - 1))"; }
        export -f nested; TREE=$PWD bash -c 'export TREE; nested 17' || echo $?
        """)
      #expect(outcome.text.contains("hello 1: error EDQUOT the user has 16 sessions already"))
      #expect(outcome.text.hasSuffix("\n1\n"))
    }

    @Test("says that there is no tree, and that there is no such program")
    func missing() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        vbusfs session --tree $LAB/none -- true || echo $?
        vbusfs session --tree $PWD -- no-such-program || echo $?
        """)
      #expect(outcome.text.contains("none/session cannot be reached: ENOENT"))
      #expect(outcome.text.contains("no-such-program"))
      #expect(outcome.text.hasSuffix("\n127\n"))
    }
  }
}
