import LinuxSystem
import TestSupport
import Testing

/// Taps, sockets and terminals through the whole program, in a network of the mount's own.
extension MountTests {
  @Suite(
    "Host sides of cards and consoles",
    .needs(.root, .networkNamespaces, .tun, .ip))
  struct HostSideTests {
    /// A lab whose mount has its own network; `net` runs a command in there.
    private func lab() throws -> Lab {
      let lab = try Lab(mounted: false)
      let outcome = try lab.run(
        "unshare -n vbusfs mount --runtime $LAB/run $LAB/tree", in: lab.folder)
      guard outcome.succeeded else { throw Overdue(description: outcome.text) }
      return lab
    }

    private func run(_ script: String, in lab: Lab) throws -> Outcome {
      try lab.run(
        """
        net() { nsenter -n -t $(pid_of keeper) "$@"; }
        typed() { mkdir devices/$1; echo $2 >devices/$1/type; echo $3 >devices/$1/backend; }
        \(script)
        """)
    }

    @Test("A tap has its real name, outlives control and engine, and goes with enabled")
    func tap() throws {
      let lab = try lab()
      defer { lab.end() }
      let outcome = try run(
        """
        typed n net tap; plug n; echo 1 >devices/n/enabled; cat devices/n/ifname devices/n/status
        before=$(net ip -o link show vbus0 | cut -d: -f1)
        engine=$(cat containers/lab/engine/pid); kill -KILL $engine $(pid_of control)
        while kill -0 $engine 2>/dev/null; do sleep 0.01; done
        vbusfs wait devices/n/status listening --timeout 10; cat devices/n/ifname
        [ "$before" = "$(net ip -o link show vbus0 | cut -d: -f1)" ] && echo same
        echo 0 >devices/n/enabled; cat devices/n/ifname; net ip link show vbus0
        """, in: lab)
      #expect(
        outcome.text == """
          vbus0
          listening
          vbus0
          same
          vbus%d
          Device "vbus0" does not exist.

          """)
    }

    @Test("A tap is for root, or for who owns one")
    func rights() throws {
      let lab = try lab()
      defer { lab.end() }
      let outcome = try run(
        """
        typed n net tap; chown -R nobody devices/n
        nobody bash -c 'echo x%d >devices/n/ifname; echo 1 >devices/n/enabled'
        sed -n 's/^errno: \\([A-Z]*\\).*/\\1/p' last_error
        net ip tuntap add his mode tap user nobody; net ip link set his up
        nobody bash -c 'echo his >devices/n/ifname; echo 1 >devices/n/enabled'
        cat devices/n/status
        """, in: lab)
      #expect(
        outcome.text == """
          echo: write error: Operation not permitted
          EPERM
          enabled

          """)
    }

    @Test("Who owns a device gets no tap because root once wrote its name")
    func formerRights() throws {
      let lab = try lab()
      defer { lab.end() }
      let outcome = try run(
        """
        typed n net null; echo mine >devices/n/ifname; chown -R nobody devices/n
        nobody bash -c 'echo tap >devices/n/backend; echo 1 >devices/n/enabled'
        cat devices/n/status; net ip link show mine
        """, in: lab)
      #expect(
        outcome.text == """
          echo: write error: Operation not permitted
          offline
          Device "mine" does not exist.

          """)
    }

    @Test("A missing bridge and a socket nobody listens on refuse enabled")
    func missing() throws {
      let lab = try lab()
      defer { lab.end() }
      let outcome = try run(
        """
        typed n net tap; echo br7 >devices/n/bridge; echo 1 >devices/n/enabled; reason
        perl -MSocket -e 'socket S, AF_UNIX, SOCK_STREAM, 0; bind S, sockaddr_un shift' $LAB/s
        echo stream >devices/n/backend; echo $LAB/s >devices/n/path; echo 1 >devices/n/enabled
        reason
        """, in: lab)
      #expect(
        outcome.text == """
          echo: write error: No such device
          there is no bridge br7
          echo: write error: Connection refused
          nobody listens on $LAB/s

          """)
    }

    @Test("A socket whose listener takes nobody refuses enabled within the deadline")
    func fullBacklog() throws {
      let lab = try lab()
      defer { lab.end() }
      let outcome = try run(
        """
        perl -MSocket -e '$| = 1; $name = sockaddr_un shift;
          socket $_, AF_UNIX, SOCK_STREAM, 0 for my ($listener, $peer);
          bind $listener, $name; listen $listener, 0; connect $peer, $name;
          print "full"; sleep 60' $LAB/s >$LAB/out & listener=$!
        until [ -s $LAB/out ]; do sleep 0.01; done
        typed n net stream; echo $LAB/s >devices/n/path; echo 1 >devices/n/enabled; reason
        cat devices/n/status; kill $listener
        """, in: lab)
      #expect(
        outcome.text == """
          echo: write error: Connection timed out
          opening the host side took longer than 3 seconds
          offline

          """)
    }

    @Test("Who owns a tap may not have root's rights put it into a bridge")
    func bridgeOfRoot() throws {
      let lab = try lab()
      defer { lab.end() }
      let outcome = try run(
        """
        net ip link add br0 type bridge; net ip tuntap add his mode tap user nobody
        net ip link set his up
        typed n net tap; echo his >devices/n/ifname; chown -R nobody devices/n
        nobody bash -c 'echo br0 >devices/n/bridge; echo 1 >devices/n/enabled'; reason
        cat devices/n/status; net ip -o link show master br0
        echo 1 >devices/n/enabled; reason; echo br0 >devices/n/bridge
        nobody bash -c 'echo 1 >devices/n/enabled'; cat devices/n/status
        net ip -o link show master br0 | grep -o 'his'
        """, in: lab)
      #expect(
        outcome.text == """
          echo: write error: Operation not permitted
          the tap his could not join the bridge br0: Operation not permitted
          offline
          echo: write error: Operation not permitted
          the tap his could not join the bridge br0: Operation not permitted
          enabled
          his

          """)
    }

    @Test("A terminal's name is shown; it belongs to who wrote backend, and outlives control")
    func terminal() throws {
      let lab = try lab()
      defer { lab.end() }
      let outcome = try run(
        """
        mkdir devices/c; echo console >devices/c/type; chown -R nobody devices/c
        nobody bash -c 'echo pty >devices/c/backend; echo 1 >devices/c/enabled'
        pty=$(cat devices/c/pty); stat -c %U $pty; first=$(stat -c '%U %z' $pty)
        kill -KILL $(pid_of control)
        [ "$(cat devices/c/pty)" = $pty ] && [ -e $pty ] && echo there
        echo 0 >devices/c/enabled; cat devices/c/pty
        # When the keeper has let go of it. The number may be another program's terminal at once.
        for _ in {1..100}; do
          [ "$(stat -c '%U %z' $pty 2>/dev/null)" = "$first" ] || { echo gone; break; }; sleep 0.05
        done
        """, in: lab)
      #expect(outcome.text == "nobody\nthere\n\ngone\n")
    }

    @Test("A console's file is made and opened with the rights of who wrote path")
    func log() throws {
      let lab = try lab()
      defer { lab.end() }
      let outcome = try run(
        """
        mkdir -m 700 $LAB/secret; mkdir -m 777 $LAB/open
        typed c console file; chown -R nobody devices/c
        nobody bash -c 'echo $LAB/secret/log >devices/c/path; echo 1 >devices/c/enabled'
        nobody bash -c 'echo $LAB/open/log >devices/c/path; echo 1 >devices/c/enabled'
        cat devices/c/status; stat -c '%U %a' $LAB/open/log; ls $LAB/secret
        """, in: lab)
      #expect(
        outcome.text == """
          echo: write error: Permission denied
          enabled
          nobody 600

          """)
    }
  }
}
