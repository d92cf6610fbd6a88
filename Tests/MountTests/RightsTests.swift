import TestSupport
import Testing

extension MountTests {
  @Suite("Owners and rights", .needs(.root))
  struct RightsTests {
    @Test("chmod and chown of a device reach its files and its socket, and outlive control")
    func owner() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        live d; chown 1234:4321 devices/d; chmod 760 devices/d
        stat -L -c '%a %u %g' devices/d devices/d/serial devices/d/status devices/d/socket
        kill -KILL $(pid_of control); stat -L -c '%a %u %g' devices/d devices/d/socket
        """)
      #expect(
        outcome.lines == [
          "760 1234 4321", "660 1234 4321", "440 1234 4321", "660 1234 4321", "760 1234 4321",
          "660 1234 4321",
        ])
    }

    @Test("A file keeps an owner and a mode of its own")
    func ownOwner() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d; chgrp 4321 devices/d/serial; chmod 664 devices/d/serial; chmod 700 devices/d
        stat -c '%a %u %g' devices/d/serial devices/d/path
        """)
      #expect(outcome.lines == ["664 0 4321", "600 0 0"])
    }

    @Test("mkdir -m gives the socket its mode")
    func mode() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        mkdir -m 770 devices/d; echo blk >devices/d/type; echo null >devices/d/backend
        echo 1M >devices/d/capacity; echo 1 >devices/d/enabled; plug d
        stat -L -c %a devices/d devices/d/socket
        """)
      #expect(outcome.lines == ["770", "660"])
    }

    @Test(
      "Who may not write a directory or a file is refused by the kernel",
      arguments: [
        ("echo a >devices/d/serial", "devices/d/serial: Permission denied\n"),
        ("mkdir devices/e", "mkdir: cannot create directory 'devices/e': Permission denied\n"),
        (
          "rm containers/lab/devices/d",
          "rm: cannot remove 'containers/lab/devices/d': Permission denied\n"
        ),
        ("rmdir devices/d", "rmdir: failed to remove 'devices/d': Permission denied\n"),
        (
          "chmod 777 devices/d",
          "chmod: changing permissions of 'devices/d': Operation not permitted\n"
        ),
        (
          "ln -s devices/d containers/lab/devices/x",
          "ln: failed to create symbolic link 'containers/lab/devices/x': Permission denied\n"
        ),
      ])
    func stranger(command: String, says: String) throws {
      let lab = try Lab()
      defer { lab.end() }
      #expect(try lab.run("disk d; plug d").text == "")
      let before = try lab.run("state").text
      #expect(try lab.run("nobody bash -c '\(command)'").text == says)
      #expect(try lab.run("state").text == before)
    }

    @Test("A file is opened with the rights of who wrote its path, whoever enables it")
    func writer() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        truncate -s 1M $LAB/img; chmod 600 $LAB/img
        mkdir devices/d; echo blk >devices/d/type; chown -R nobody devices/d
        nobody bash -c 'echo $LAB/img >devices/d/path'
        echo 1 >devices/d/enabled
        reason devices/d/last_error; cat devices/d/status
        echo $LAB/img >devices/d/path
        nobody bash -c 'echo 1 >devices/d/enabled'; cat devices/d/status
        """)
      #expect(
        outcome.text == """
          echo: write error: Permission denied
          $LAB/img could not be opened: Permission denied
          offline
          enabled

          """)
    }

    @Test("The writer's rights count again when the tree is mounted anew")
    func writerAgain() throws {
      let lab = try Lab(options: "--state $LAB/state")
      defer { lab.end() }
      let outcome = try lab.run(
        """
        truncate -s 1M $LAB/img; chmod 666 $LAB/img
        mkdir devices/d; echo blk >devices/d/type; chown -R nobody devices/d
        nobody bash -c 'echo $LAB/img >devices/d/path; echo 1 >devices/d/enabled'
        cd $LAB; vbusfs umount tree; chmod 600 img; mount_tree --state $LAB/state; cd tree
        vbusfs wait devices/d/status failed --timeout 5; reason devices/d/last_error
        """)
      #expect(outcome.text == "$LAB/img could not be opened: Permission denied\n")
    }

    @Test("The writer's other groups count")
    func groups() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        truncate -s 1M $LAB/img; chgrp 4321 $LAB/img; chmod 660 $LAB/img
        mkdir devices/d; echo blk >devices/d/type; chown -R nobody devices/d
        setpriv --reuid nobody --regid nogroup --groups 4321 bash -c 'echo $LAB/img >devices/d/path'
        echo 1 >devices/d/enabled; cat devices/d/status
        """)
      #expect(outcome.text == "enabled\n")
    }

    @Test("An image that can only be read needs read_only, and then is enough")
    func readOnly() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        truncate -s 1M $LAB/img; chmod 644 $LAB/img
        mkdir devices/d; echo blk >devices/d/type; chown -R nobody devices/d
        nobody bash -c 'echo $LAB/img >devices/d/path; echo 1 >devices/d/enabled'
        reason; sed -n 's/^accepted: //p' last_error
        echo 1 >devices/d/read_only; echo 1 >devices/d/enabled
        cat devices/d/status devices/d/features/bits/ro
        """)
      #expect(
        outcome.text == """
          echo: write error: Permission denied
          $LAB/img can only be read: Permission denied
          first echo 1 > read_only
          enabled
          offered

          """)
    }
  }
}
