import TestSupport
import Testing

extension MountTests {
  @Suite("Links plug devices in")
  struct LinkTests {
    @Test(
      "Every spelling of a device's path plugs it in, and reads back as one",
      arguments: [
        "../../../devices/d", "devices/d", "./devices/d/", "../../devices/d", "$LAB/tree/devices/d",
        "$LAB//tree/./devices/d",
      ])
    func spellings(_ target: String) throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d
        mkdir containers/c
        ln -s \(target) containers/c/devices/d
        readlink containers/c/devices/d
        cat containers/c/devices/d/type
        readlink devices/d/container
        """)
      #expect(outcome.text == "../../../devices/d\nblk\n../../containers/c\n")
    }

    @Test("ln -s into the directory takes the device's name")
    func namedAsDevice() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d
        mkdir containers/c
        ln -s ../../../devices/d containers/c/devices/
        ls containers/c/devices
        """)
      #expect(outcome.text == "d\n")
    }

    @Test("A dev-id counts from 0, names the interface, and is never given twice")
    func identifiers() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d; disk e
        plug d; plug e
        ls containers/lab/ids
        rm containers/lab/devices/d
        plug d
        ls containers/lab/ids
        cat containers/lab/ids/2/type
        readlink containers/lab/ids/2/device
        cat containers/lab/ids/2/device/type
        """)
      #expect(
        outcome.text == "0\n1\n1\n2\nvirtio-blk\n../../../../devices/d\nblk\n")
    }

    @Test("ln -sfn of the same device changes nothing for a guest")
    func again() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        live d
        ln -sfn ../../../devices/d containers/lab/devices/d
        ls containers/lab/devices containers/lab/ids
        cat devices/d/status
        """)
      #expect(
        outcome.text == "containers/lab/devices:\nd\n\ncontainers/lab/ids:\n0\nlistening\n")
    }

    @Test("ln -sfn over a link of another device plugs that one out")
    func exchange() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        live d; disk e; echo 1 >devices/e/enabled
        ln -sfn ../../../devices/e containers/lab/devices/d
        cat devices/d/status devices/e/status
        readlink containers/lab/devices/d
        ls containers/lab/ids
        """)
      #expect(outcome.text == "enabled\nlistening\n../../../devices/e\n1\n")
    }

    @Test("rm of a link plugs out: the socket goes, and the engine of the last device")
    func unplug() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        live d
        test -S devices/d/socket && echo socket
        rm containers/lab/devices/d
        test -S devices/d/socket || echo none
        cat devices/d/status containers/lab/status containers/lab/engine/status
        test -L devices/d/container || echo free
        """)
      #expect(outcome.text == "socket\nnone\nenabled\nidle\nstopped\nfree\n")
    }

    @Test("mv renames a link without touching the device")
    func rename() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        live d
        mv containers/lab/devices/d containers/lab/devices/first
        ls containers/lab/devices containers/lab/ids
        cat devices/d/status
        """)
      #expect(
        outcome.text == "containers/lab/devices:\nfirst\n\ncontainers/lab/ids:\n0\nlistening\n")
    }

    @Test("A name that another link has is refused with EEXIST")
    func taken() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run("disk d; disk e; plug d; ln -sT devices/e containers/lab/devices/d")
      #expect(
        outcome.text
          == "ln: failed to create symbolic link 'containers/lab/devices/d': File exists\n")
    }
  }
}
