import TestSupport
import Testing

extension MountTests {
  @Suite("A person's tools")
  struct ToolTests {
    @Test("tar archives the tree without a warning, byte for byte")
    func tar() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        live d
        tar -cf $LAB/tree.tar . && mkdir $LAB/copy && tar -xf $LAB/tree.tar -C $LAB/copy
        diff -r --no-dereference . $LAB/copy
        """)
      #expect(outcome.text == "")
    }

    @Test("cp -a makes a faithful copy")
    func copy() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        "live d; cp -a . $LAB/copy && diff -r --no-dereference . $LAB/copy")
      #expect(outcome.text == "")
    }

    @Test("rsync makes a faithful copy", .needs(.program("rsync", in: "test")))
    func rsync() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        "live d; rsync -a ./ $LAB/copy && diff -r --no-dereference . $LAB/copy")
      #expect(outcome.text == "")
    }

    @Test(
      "tar -P --overwrite -x and cp -r put back what was changed",
      arguments: [
        "tar -P --overwrite -xf $LAB/copy.tar", "cp -r $LAB/copy/. .",
      ])
    func restore(_ command: String) throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d; cp -a . $LAB/copy; tar -cf $LAB/copy.tar .
        echo 2M >devices/d/capacity; echo new >devices/d/serial
        \(command) 2>/dev/null
        cat devices/d/capacity devices/d/serial
        """)
      #expect(outcome.text == "1048576\n\n")
    }

    @Test("mkdir b; cp -r a/. b/ clones a device, enabled too")
    func clone() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk a; echo abc >devices/a/serial; echo 0 >devices/a/features/bits/flush
        echo 1 >devices/a/enabled
        mkdir devices/b; cp -r devices/a/. devices/b/ 2>/dev/null || echo $?
        cat devices/b/{type,backend,capacity,serial,features/offered,status}
        cmp devices/a/features/offered devices/b/features/offered
        """)
      #expect(
        outcome.lines == ["1", "blk", "memory", "1048576", "abc", "0x130006446", "enabled"])
    }

    @Test("rm -r of a device is refused with EPERM and changes nothing")
    func removeRecursively() throws {
      let lab = try Lab()
      defer { lab.end() }
      #expect(try lab.run("disk d").text == "")
      let before = try lab.run("state").text
      let outcome = try lab.run("rm -r devices/d 2>&1 | sed 's/.*: //' | sort -u")
      #expect(outcome.text == "Operation not permitted\n")
      #expect(try lab.run("state").text == before)
    }

    @Test("mv renames a device that is not live, with all it has")
    func move() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d; plug d; mv devices/d devices/e
        ls devices; cat devices/e/capacity; readlink containers/lab/devices/d
        """)
      #expect(outcome.text == "e\n1048576\n../../../devices/e\n")
    }

    @Test("mv renames a container without live devices")
    func moveContainer() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        "disk d; plug d; mv containers/lab containers/new; readlink devices/d/container")
      #expect(outcome.text == "../../containers/new\n")
    }

    @Test("flock keeps a second one out", arguments: ["devices", "devices/d/type"])
    func lock(_ path: String) throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d
        flock \(path) bash -c 'flock --nonblock \(path) echo both || echo one'
        flock --nonblock \(path) echo free
        """)
      #expect(outcome.text == "one\nfree\n")
    }

    @Test(
      "getfattr says quietly that there is nothing",
      .needs(.program("getfattr", in: "test")))
    func attributes() throws {
      let lab = try Lab()
      defer { lab.end() }
      #expect(
        try lab.run("getfattr -n user.x version").text
          == "version: user.x: Operation not supported\n")
    }

    @Test("find, ls -R, du and grep -r end")
    func walks() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        live d
        find -L . >/dev/null 2>&1; ls -R >/dev/null && du -s . && grep -rl '^blk$' devices classes
        """)
      #expect(outcome.text == "0\t.\ndevices/d/type\n")
    }

    @Test(
      "What makes files beside others is refused with EPERM",
      arguments: [
        ("sed -i s/a/b/ devices/d/serial", "sed: couldn't open temporary file devices/d/sed"),
        ("ln version devices/d/v", "ln: failed to create hard link 'devices/d/v' => 'version'"),
        ("mknod devices/d/f p", "mknod: devices/d/f"),
        ("install /dev/null devices/d/serial", "install: cannot remove 'devices/d/serial'"),
        ("echo x >devices/new", "devices/new"),
      ])
    func newFiles(command: String, begins: String) throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run("disk d; \(command)")
      #expect(outcome.text.hasPrefix(begins))
      #expect(outcome.text.hasSuffix(": Operation not permitted\n"))
      #expect(!outcome.succeeded)
    }

    @Test("mkdir -p of what is there is fine, and of what cannot be is not")
    func parents() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run("mkdir -p devices/d devices/d containers/c; mkdir -p devices/d/x")
      #expect(
        outcome.text == "mkdir: cannot create directory 'devices/d/x': Operation not permitted\n")
    }

    @Test("vim writes in place", .needs(.program("vim.tiny", in: "test")))
    func vim() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d; echo abc >devices/d/serial
        vim.tiny -u NONE -n -es -c 's/b/x/' -c wq devices/d/serial; cat devices/d/serial
        """)
      #expect(outcome.text == "axc\n")
    }
  }
}
