import LinuxSystem
import TestSupport
import Testing

extension MountTests {
  /// What a start refuses, and what it finds out about the paths it is given.
  @Suite("Starting where others may have been before")
  struct StartTests {
    @Test(
      "A directory that somebody else may write to holds neither sockets nor the store",
      .needs(.root),
      arguments: ["chown nobody", "chmod g+w", "chmod o+w"])
    func foreignRuntime(command: String) throws {
      let lab = try Lab(mounted: false)
      defer { lab.end() }
      let outcome = try lab.run(
        """
        mkdir own foreign; \(command) foreign
        vbusfs mount --runtime $LAB/foreign $LAB/tree
        vbusfs mount --runtime $LAB/run --state $LAB/foreign $LAB/tree
        ls * | grep -v :
        """, in: lab.folder)
      let sentence =
        "Error: $LAB/foreign must belong to who mounts, and nobody else may write to it\n"
      #expect(outcome.text == sentence + sentence + "\n")
    }

    @Test("A mount point behind a symbolic link is the directory that it leads to")
    func linkedMountPoint() throws {
      let lab = try Lab(mounted: false)
      defer { lab.end() }
      let outcome = try lab.run(
        """
        mkdir tree; ln -s . $LAB/link
        vbusfs mount --runtime $LAB/run $LAB/link/tree
        vbusfs mount --runtime $LAB/other $LAB/link/tree
        cd $LAB/tree && disk_on $LAB/link/tree/version
        (echo 1 >devices/d/enabled) 2>/dev/null || reason; cd ..
        vbusfs umount $LAB/link/tree; grep -c $LAB /proc/self/mountinfo
        """, in: lab.folder)
      #expect(
        outcome.text == """
          Error: $LAB/tree is mounted already, with its runtime directory $LAB/run
          $LAB/link/tree/version leads into this tree itself
          0

          """)
    }

    @Test(
      "Signals that come twice do not unmount what lies beneath the tree",
      .needs(.root))
    func beneath() throws {
      let lab = try Lab(mounted: false)
      defer { lab.end() }
      let outcome = try lab.run(
        """
        mkdir tree; mount -t tmpfs beneath tree; : >tree/mine; mount_tree; keep_pids 2>/dev/null
        kill -TERM $pids; kill -INT $pids
        for pid in $pids; do while kill -0 $pid 2>/dev/null; do sleep 0.01; done; done
        ls tree; umount tree
        """, in: lab.folder)
      #expect(outcome.text == "mine\n")
    }
  }
}
