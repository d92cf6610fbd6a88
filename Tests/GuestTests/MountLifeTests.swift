import LinuxSystem
import Testing

extension EndToEnd {
  @Suite("A mount begins and ends cleanly")
  struct MountLifeTests {
    @Test("The tree answers as soon as mount returns, and umount leaves no process and no mount")
    func mountAndUnmount() throws {
      let lab = try Lab()
      defer { lab.end() }
      #expect(try lab.run("ls").lines.contains("devices"))
      let keeper = try lab.keeper()
      #expect(try shell("vbusfs umount \(lab.tree)").text == "")
      #expect(try shell("kill -0 \(keeper)").succeeded == false)
      #expect(try shell("pgrep -f \(lab.folder)").text == "")
      #expect(try shell("grep \(lab.tree) /proc/mounts").text == "")
      try lab.mount()
    }

    @Test("A second mount on the same place is refused with a sentence")
    func secondMount() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try shell("vbusfs mount --runtime \(lab.runtime)2 \(lab.tree)")
      #expect(!outcome.succeeded)
      #expect(outcome.text.contains("mounted already"))
    }

    @Test("A second start with the same runtime directory is refused with a sentence")
    func secondStart() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try shell("vbusfs mount --runtime \(lab.runtime) \(lab.folder)/other")
      #expect(!outcome.succeeded)
      #expect(outcome.text.contains("in use"))
      #expect(try lab.run("ls").succeeded)
    }

    @Test("A busy tree is not unmounted, and says so")
    func busy() throws {
      let lab = try Lab()
      defer { lab.end() }
      let file = try open(lab.tree + "/version", .readOnly)
      let outcome = try shell("vbusfs umount \(lab.tree)")
      #expect(!outcome.succeeded)
      #expect(outcome.text.contains("busy"))
      #expect(try readAgain(file, upTo: 100).isEmpty == false)
    }

    @Test("SIGTERM and SIGINT to the keeper leave nothing behind", arguments: ["TERM", "INT"])
    func signals(signal: String) throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.addDisk(byteCount: 1 << 20)
      _ = try shell("kill -\(signal) \(lab.keeper())")
      let isGone = try awaitAnswer("the end of all processes") {
        try shell("pgrep -f \(lab.folder)").succeeded ? nil : true
      }
      #expect(isGone)
      #expect(try shell("grep \(lab.tree) /proc/mounts").text == "")
      #expect(try shell("find \(lab.runtime) -type s").text == "")
      try lab.mount()
    }

    @Test("In the foreground it ends with the terminal's signal, with status 0")
    func foreground() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try shell(
        """
        vbusfs mount -f --runtime \(lab.folder)/run2 \(lab.folder)/tree2 &
        for _ in {1..200}; do [ ! -e \(lab.folder)/tree2/version ] || break; sleep 0.02; done
        cat \(lab.folder)/tree2/version
        kill -INT $!
        wait $!
        """)
      #expect(outcome.succeeded, "\(outcome.text)")
      #expect(try shell("grep \(lab.folder)/tree2 /proc/mounts").text == "")
    }

    @Test("A mount whose keeper was killed is cleared by the next start")
    func deadMount() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.addDisk(byteCount: 1 << 20)
      _ = try shell("kill -KILL \(lab.keeper())")
      _ = try awaitAnswer("the dead mount") { try lab.run("ls").succeeded ? nil : true }
      try lab.mount()
      #expect(try lab.text("devices/disk0/serial") == "")
      try lab.awaitText("devices/disk0/status", "listening")
    }

    @Test("With --state the configuration is there again after umount, and disks listen again")
    func state() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try shell("vbusfs umount \(lab.tree)")
      try lab.mount("--state \(lab.folder)/state")
      _ = try lab.addDisk(byteCount: 1 << 20, with: ["serial": "kept"])
      _ = try shell("vbusfs umount \(lab.tree)")
      try lab.mount("--state \(lab.folder)/state")
      #expect(try lab.text("devices/disk0/serial") == "kept")
      try lab.awaitText("devices/disk0/status", "listening")
      #expect(try lab.run("readlink containers/lab0/devices/*").text == "../../../devices/disk0\n")
    }

    @Test("Without --state a clean umount forgets")
    func forgets() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.run("mkdir devices/a")
      _ = try shell("vbusfs umount \(lab.tree)")
      try lab.mount()
      #expect(try lab.run("ls devices").text == "")
    }

    @Test(
      "An ordinary user mounts, makes a disk and unmounts",
      .enabled(if: Gate.root.isOpen, Gate.root.reason))
    func ordinaryUser() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try shell(
        """
        install -d -o nobody \(lab.folder)/nobody; chmod 755 \(lab.folder)
        setpriv --reuid=nobody --regid=nogroup --clear-groups bash -eu -c '
          cd "$1"
          truncate -s 1M image
          vbusfs mount --runtime $PWD/run tree
          cd tree
          mkdir devices/a containers/c
          echo blk >devices/a/type
          echo ${PWD%/tree}/image >devices/a/path
          echo 1 >devices/a/enabled
          ln -s ../../../devices/a containers/c/devices/
          cat devices/a/status
          cd ..
          vbusfs umount tree
        ' bash \(lab.folder)/nobody
        """)
      #expect(outcome.text == "listening\n")
      #expect(outcome.succeeded)
    }
  }
}

extension Lab {
  /// The keeper's process number.
  fileprivate func keeper() throws -> String {
    String(decoding: try readFile(runtime + "/keeper.pid"), as: UTF8.self)
      .split(separator: "\n").joined()
  }
}
