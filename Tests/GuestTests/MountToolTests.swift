import LinuxSystem
import Testing

extension EndToEnd {
  /// What a person at a shell expects of any tree of small files.
  @Suite("The shell's tools work on a mounted tree")
  struct MountToolTests {
    @Test("mkdir makes a device, and type its attributes")
    func makeDevice() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        "mkdir devices/a && ls -U devices/a && echo blk >devices/a/type && cat devices/a/capacity")
      #expect(outcome.succeeded, "\(outcome.text)")
      #expect(Set(outcome.lines) == ["type", "status", "last_error", "0"])
    }

    @Test("A value reads back with one newline, written with one or without")
    func newline() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.run("mkdir devices/a; echo blk >devices/a/type")
      #expect(try lab.run("cd devices/a; echo x1 >serial; cat serial").text == "x1\n")
      #expect(try lab.run("cd devices/a; printf x2 >serial; cat serial").text == "x2\n")
    }

    @Test("stat tells the exact length of what cat prints, for every file")
    func exactSize() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.run("mkdir devices/a containers/c; echo blk >devices/a/type")
      let outcome = try lab.run(
        """
        find . -type f ! -name events ! -name metrics ! -name tree.json -perm /444 |
          while read -r file; do
            [ "$(stat -c %s $file)" = "$(cat $file | wc -c)" ] || echo $file
          done
        """)
      #expect(outcome.text == "")
    }

    @Test("Truncation alone changes nothing and is no error", arguments: [": >", "truncate -s 0 "])
    func truncation(command: String) throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.run("mkdir devices/a; cd devices/a; echo blk >type; echo same >serial")
      let outcome = try lab.run("cd devices/a; \(command)serial && cat serial")
      #expect(outcome.text == "same\n")
    }

    @Test("Appending to a value writes it")
    func append() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.run("mkdir devices/a; cd devices/a; echo blk >type; echo old >serial")
      #expect(try lab.run("cd devices/a; echo new >>serial; cat serial").text == "new\n")
    }

    @Test("Two values in one open are refused, the second by EINVAL")
    func twoValues() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.run("mkdir devices/a; echo blk >devices/a/type")
      let outcome = try lab.run("(echo one; echo two) >devices/a/serial")
      #expect(!outcome.succeeded)
      #expect(outcome.text.contains("Invalid argument"))
    }

    @Test("A refused value fails echo, stays as it was, and last_error says why")
    func refusal() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.run("mkdir devices/a; echo blk >devices/a/type")
      let outcome = try lab.run("echo sideways >devices/a/read_only")
      #expect(!outcome.succeeded)
      #expect(outcome.text.contains("write error: Invalid argument"))
      #expect(try lab.text("devices/a/read_only") == "0")
      let error = try lab.run("cut -d: -f1 last_error; grep value: devices/a/last_error").lines
      #expect(
        error == ["time", "path", "value", "errno", "reason", "accepted", "value: sideways"])
    }

    @Test("An unknown class is refused by ENOENT, a second type by EINVAL")
    func types() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.run("mkdir devices/a")
      #expect(throws: Errno.noEntry) { try lab.set("devices/a/type", "teapot") }
      try lab.set("devices/a/type", "blk")
      #expect(throws: Errno.invalid) { try lab.set("devices/a/type", "blk") }
    }

    @Test("Files can be neither made nor removed nor linked by hand")
    func fixedFiles() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.run("mkdir devices/a; echo blk >devices/a/type")
      #expect(try !lab.run("echo x >devices/a/new").succeeded)
      #expect(try !lab.run("touch devices/new").succeeded)
      #expect(try lab.run("rm devices/a/type").text.contains("Operation not permitted"))
      #expect(try !lab.run("ln devices/a/type devices/a/other").succeeded)
      #expect(try !lab.run("mkdir devices/a/folder").succeeded)
      #expect(try !lab.run("rm -r devices/a").succeeded)
      #expect(try lab.text("devices/a/type") == "blk")
      #expect(try lab.run("rmdir devices/a").succeeded)
    }

    @Test("find, grep -r and ls -lR come to an end")
    func walks() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.addDisk(byteCount: 1 << 20)
      #expect(try lab.run("find . >/dev/null", seconds: 20).succeeded)
      #expect(try lab.run("ls -lR . >/dev/null", seconds: 20).succeeded)
      #expect(try lab.run("grep -r disk0.img devices", seconds: 20).text.contains("path:"))
    }

    @Test("tar copies the tree without a warning, and cp copies every value")
    func copies() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.run("mkdir devices/a devices/b; for d in a b; do echo blk >devices/$d/type; done")
      _ = try lab.run("echo one >devices/a/serial; echo 4096 >devices/a/block_size")
      #expect(try lab.run("tar -c devices | tar -x -C $LAB").text == "")
      #expect(try lab.run("diff -r devices/a $LAB/devices/a").text == "")
      _ = try lab.run("cp devices/a/serial devices/a/block_size devices/b/")
      #expect(try lab.run("cat devices/b/serial devices/b/block_size").lines == ["one", "4096"])
    }

    @Test("mv renames a device, and its link in a container names it anew")
    func rename() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.run("mkdir devices/a; echo blk >devices/a/type; echo kept >devices/a/serial")
      #expect(try lab.run("mv devices/a devices/b").succeeded)
      #expect(try lab.text("devices/b/serial") == "kept")
      #expect(try lab.run("ls devices").lines == ["b"])
    }

    @Test("A device is plugged in by any spelling of its path, and reads back by one")
    func links() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.run("mkdir containers/c devices/a devices/b")
      _ = try lab.run("for d in a b; do echo blk >devices/$d/type; done")
      #expect(try lab.run("ln -s devices/a containers/c/devices/").succeeded)
      #expect(try lab.run("ln -s $PWD/devices/b containers/c/devices/second").succeeded)
      let targets = try lab.run("readlink containers/c/devices/a containers/c/devices/second")
      #expect(targets.lines == ["../../../devices/a", "../../../devices/b"])
      #expect(try lab.run("cat containers/c/devices/second/type").text == "blk\n")
    }

    @Test("ln -sfn puts another device in a link's place")
    func replaceLink() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.run("mkdir containers/c devices/a devices/b")
      _ = try lab.run("for d in a b; do echo blk >devices/$d/type; done")
      _ = try lab.run("ln -s ../../../devices/a containers/c/devices/it")
      #expect(try lab.run("ln -sfn ../../../devices/b containers/c/devices/it").text == "")
      #expect(try lab.run("readlink containers/c/devices/*").lines == ["../../../devices/b"])
    }

    @Test("Links to what is no device, untyped or plugged in elsewhere are refused")
    func refusedLinks() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.run("mkdir containers/c containers/d devices/a devices/untyped")
      _ = try lab.run("echo blk >devices/a/type; ln -s ../../../devices/a containers/c/devices/")
      #expect(
        try lab.run("ln -s /etc/passwd containers/c/devices/x").text.contains("Invalid argument"))
      #expect(
        try lab.run("ln -s ../../../devices/untyped containers/c/devices/x").text
          .contains("Invalid argument"))
      #expect(
        try lab.run("ln -s ../../../devices/a containers/d/devices/x").text
          .contains("Device or resource busy"))
      #expect(try lab.run("rmdir devices/a").text.contains("Device or resource busy"))
      #expect(try lab.run("rmdir containers/c").text.contains("Directory not empty"))
    }

    @Test("vbusfs wait returns when a value comes, and fails when it does not")
    func waiting() throws {
      let lab = try Lab()
      defer { lab.end() }
      let disk = try lab.addDisk(byteCount: 1 << 20)
      let outcome = try lab.run(
        """
        vbusfs wait devices/disk0/status enabled --timeout 20 &
        sleep 0.3
        rm containers/lab0/devices/disk0
        wait $!
        """)
      #expect(outcome.succeeded, "\(outcome.text)")
      try lab.plug(disk)
      #expect(try !lab.run("vbusfs wait devices/disk0/status running --timeout 0.1").succeeded)
    }

    @Test("vbusfs rm unplugs, disables and removes")
    func remove() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.addDisk(byteCount: 1 << 20)
      let outcome = try lab.run("vbusfs rm devices/disk0 containers/lab0; ls devices containers")
      #expect(outcome.lines == ["containers:", "devices:"])
    }
  }
}
