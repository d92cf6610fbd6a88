import TestSupport
import Testing

extension MountTests {
  /// What one user's values and devices give to another.
  @Suite(
    "The rights of several writers", .needs(.root))
  struct WriterTests {
    @Test(
      "A new owner cannot turn what root wrote into more than he may do himself",
      arguments: ["echo 0 >devices/d/read_only", "echo 2M >devices/d/capacity"])
    func newOwner(command: String) throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        truncate -s 1M $LAB/image; chmod 600 $LAB/image; disk_on $LAB/image
        echo 1 >devices/d/read_only; chown nobody devices/d
        nobody bash -c '\(command)'
        nobody bash -c 'echo 1 >devices/d/enabled' 2>/dev/null || reason devices/d/last_error
        stat -c %s $LAB/image
        """)
      #expect(
        outcome.text == "$LAB/image could not be opened: Permission denied\n1048576\n")
    }

    @Test("A new owner may enable what root configured")
    func delegated() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        truncate -s 1M $LAB/image; chmod 600 $LAB/image; disk_on $LAB/image
        chown nobody devices/d; nobody bash -c 'echo 1 >devices/d/enabled'; cat devices/d/status
        """)
      #expect(outcome.text == "enabled\n")
    }

    @Test("A file that a user opened takes nothing from a program with more rights than his")
    func handedOn() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        truncate -s 1M $LAB/image; chmod 600 $LAB/image; disk d; chown nobody devices/d
        echo file >devices/d/backend
        perl -e '$> = getpwnam("nobody"); open F, ">", "devices/d/path" or die; $> = 0;
          syswrite F, "$ENV{LAB}/image\n" or print "$!\n"'
        reason devices/d/last_error; cat devices/d/path
        """)
      #expect(
        outcome.text == """
          Operation not permitted
          who writes has other rights than who opened the file


          """)
    }

    @Test("A user that root hands an open file writes with his own rights")
    func handedDown() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        truncate -s 1M $LAB/image; chmod 600 $LAB/image; disk d
        echo file >devices/d/backend; nobody echo $LAB/image >devices/d/path
        echo 1 >devices/d/enabled; reason devices/d/last_error
        """)
      #expect(
        outcome.text == """
          echo: write error: Permission denied
          $LAB/image could not be opened: Permission denied

          """)
    }

    @Test("Nobody plugs another one's device into a container of his own")
    func plugOfOther() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d; mkdir containers/his; chown nobody containers/his
        nobody ln -s ../../../devices/d containers/his/devices/d
        reason containers/his/last_error; ls containers/his/devices
        """)
      #expect(
        outcome.text == """
          ln: failed to create symbolic link 'containers/his/devices/d': Permission denied
          the device belongs to others, and plugging it in changes it

          """)
    }
  }
}
