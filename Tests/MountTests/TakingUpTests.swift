import TestSupport
import Testing

extension MountTests {
  /// What a control process makes of what its predecessor, or the run before, left.
  @Suite("Going on after an end")
  struct TakingUpTests {
    /// Ends the keeper too, and mounts again from what is stored.
    private static let restart = """
      keep_pids; cd $LAB; kill -KILL $(pid_of keeper); await_end; mount_tree; cd $LAB/tree
      """

    /// A live disk whose file is gone when it is taken up.
    private static let lost = """
      truncate -s 1M $LAB/image; disk_on $LAB/image; echo 1 >devices/d/enabled; plug d
      mv $LAB/image $LAB/aside
      \(restart)
      vbusfs wait devices/d/status failed --timeout 5
      """

    @Test("A start opens the host sides of many more devices than are opened at once")
    func many() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        for i in {1..50}; do disk d$i; echo 1 >devices/d$i/enabled; done; plug d1; plug d50
        \(Self.restart)
        for i in {1..50}; do echo 1 >devices/d$i/enabled; done
        cat devices/*/status | sort | uniq -c
        """)
      #expect(outcome.text == "     48 enabled\n      2 listening\n")
    }

    @Test("A device whose file vanished before a start has failed, and says why")
    func vanished() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        \(Self.lost)
        reason devices/d/last_error
        """)
      #expect(
        outcome.text
          == "$LAB/image could not be found: No such file or directory\n")
    }

    @Test(
      "It recovers when its file is there again",
      arguments: [
        "echo 0 >devices/d/enabled; echo 1 >devices/d/enabled",
        "rm containers/lab/devices/d; plug d",
      ])
    func recovers(commands: String) throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        \(Self.lost)
        mv $LAB/aside $LAB/image
        \(commands)
        cat devices/d/status devices/d/capacity
        """)
      #expect(outcome.text == "listening\n1048576\n")
    }

    @Test("A failed device whose file is still gone is not plugged in again")
    func stillGone() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        \(Self.lost)
        rm containers/lab/devices/d; plug d 2>/dev/null || echo refused
        cat devices/d/status; ls containers/lab/devices
        """)
      #expect(outcome.text == "refused\nfailed\n")
    }

    @Test("A socket of what is no longer live does not outlast the next control process")
    func sockets() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        live d; : >$LAB/run/sockets/stale; kill_control; cat version; ls $LAB/run/sockets
        """)
      #expect(outcome.text == "1\nd\n")
    }
  }
}
