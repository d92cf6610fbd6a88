import TestSupport
import Testing

extension MountTests {
  @Suite(
    "An ordinary user", .needs(.root))
  struct UserTests {
    @Test("mounts through fusermount3, makes a disk live, and unmounts")
    func mount() throws {
      let lab = try Lab(mounted: false)
      defer { lab.end() }
      let outcome = try lab.run(
        """
        chown nobody $LAB; nobody bash -e -c '\(Self.session)'
        """, in: lab.folder)
      #expect(outcome.text == "nobody\nlistening\nsrw-r--r-- nobody\nimg\ntree\n")
    }

    private static let session = """
      vbusfs mount --runtime $LAB/run tree
      cd tree
      stat -c %U .
      truncate -s 1M $LAB/img
      mkdir devices/d containers/lab
      echo blk >devices/d/type
      echo $LAB/img >devices/d/path
      echo 1 >devices/d/enabled
      ln -s ../../../devices/d containers/lab/devices/
      cat devices/d/status
      stat -L -c "%A %U" devices/d/socket
      cd $LAB
      vbusfs umount tree
      ls
      """

    @Test("needs a runtime directory, by name or by XDG_RUNTIME_DIR")
    func runtime() throws {
      let lab = try Lab(mounted: false)
      defer { lab.end() }
      let outcome = try lab.run(
        """
        chown nobody $LAB
        nobody vbusfs mount tree
        nobody env XDG_RUNTIME_DIR=$LAB vbusfs mount tree; ls; vbusfs umount tree
        """, in: lab.folder)
      #expect(
        outcome.text == """
          Error: XDG_RUNTIME_DIR is not set: say with --runtime where sockets may lie
          tree
          vbusfs.d

          """)
    }

    @Test(
      "gets a mount of killed processes cleaned up",
      arguments: [
        "kill -STOP $control; kill -KILL $keeper $control", "kill -KILL $keeper",
      ])
    func deadMount(_ command: String) throws {
      let lab = try Lab(mounted: false)
      defer { lab.end() }
      let outcome = try lab.run(
        """
        chown nobody $LAB; nobody vbusfs mount --runtime $LAB/run tree; mkdir tree/devices/d 2>&1
        nobody mkdir tree/devices/d
        keep_pids 2>/dev/null; keeper=$(pid_of keeper) control=$(pid_of control)
        \(command)
        for pid in $pids; do while kill -0 $pid 2>/dev/null; do sleep 0.01; done; done
        nobody vbusfs mount --runtime $LAB/run tree; nobody ls tree/devices
        nobody vbusfs umount tree
        """, in: lab.folder)
      #expect(
        outcome.text == "mkdir: cannot create directory 'tree/devices/d': Permission denied\nd\n")
    }

    @Test("is refused where he may not make the directory")
    func noRight() throws {
      let lab = try Lab(mounted: false)
      defer { lab.end() }
      let outcome = try lab.run(
        "mkdir run; chown nobody run; nobody vbusfs mount --runtime $LAB/run/d $LAB/tree; ls run",
        in: lab.folder)
      #expect(
        outcome.text == "Error: $LAB/tree cannot be made: EACCES (Permission denied)\n")
    }
  }
}
