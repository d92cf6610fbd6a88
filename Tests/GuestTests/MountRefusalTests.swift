import LinuxSystem
import Testing

extension EndToEnd {
  /// Bad input gets an errno and a sentence in last_error, changes nothing, and hangs nobody.
  @Suite("A mounted tree refuses what cannot be")
  struct MountRefusalTests {
    /// What stands between a fresh device and a listening one; `$LAB/image` is a good image.
    struct Case: CustomTestStringConvertible, Sendable {
      let testDescription: String
      let preparation: String
      let script: String
      let says: String
    }

    static let hostFiles = [
      Case(
        testDescription: "a missing file", preparation: "echo $LAB/none >path",
        script: "echo 1 >enabled", says: "No such file or directory"),
      Case(
        testDescription: "a directory", preparation: "echo $LAB >path",
        script: "echo 1 >enabled", says: "Is a directory"),
      Case(
        testDescription: "a FIFO", preparation: "mkfifo $LAB/fifo; echo $LAB/fifo >path",
        script: "echo 1 >enabled", says: "Invalid argument"),
      Case(
        testDescription: "a relative path", preparation: "",
        script: "echo image >path", says: "Invalid argument"),
      Case(
        testDescription: "a link as last component",
        preparation: "ln -s image $LAB/link; echo $LAB/link >path",
        script: "echo 1 >enabled", says: "Too many levels of symbolic links"),
      Case(
        testDescription: "a file of the tree itself",
        preparation: "echo $LAB/tree/version >path",
        script: "echo 1 >enabled", says: "Too many levels of symbolic links"),
      Case(
        testDescription: "a capacity that is no multiple of the block size",
        preparation: "echo $LAB/image >path; echo 4096 >block_size; echo 1049600 >capacity",
        script: "echo 1 >enabled", says: "Invalid argument"),
      Case(
        testDescription: "a feature mask without VERSION_1", preparation: "",
        script: "echo 0x0 >features/mask", says: "Invalid argument"),
    ]

    @Test("As a disk", arguments: hostFiles)
    func hostFile(refused: Case) throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.run(
        "truncate -s 1M $LAB/image; mkdir devices/a; cd devices/a; echo blk >type; "
          + refused.preparation)
      let outcome = try lab.run("cd devices/a; " + refused.script, seconds: 30)
      #expect(!outcome.succeeded)
      #expect(outcome.text.contains(refused.says), "\(outcome.text)")
      #expect(try lab.text("devices/a/enabled") == "0")
      #expect(try lab.run("grep -c '^reason: .' devices/a/last_error").text == "1\n")
    }

    @Test(
      "A file that its writer may not open, though vbusfs may",
      .enabled(if: Gate.root.isOpen, Gate.root.reason))
    func foreignFile() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.run(
        """
        truncate -s 1M $LAB/image; chmod 600 $LAB/image; chmod 755 $LAB
        mkdir devices/a; echo blk >devices/a/type; chown -R nobody devices/a
        """)
      let nobody = "setpriv --reuid=nobody --regid=nogroup --clear-groups bash -c"
      #expect(try lab.run("\(nobody) 'echo $LAB/image >devices/a/path'").succeeded)
      let outcome = try lab.run("\(nobody) 'echo 1 >devices/a/enabled'", seconds: 30)
      #expect(outcome.text.contains("Permission denied"), "\(outcome.text)")
      #expect(try lab.text("devices/a/enabled") == "0")
    }

    @Test("A read-only image for a disk that is not read-only")
    func readOnlyImage() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.run(
        """
        truncate -s 1M $LAB/image; mkdir $LAB/fixed; touch $LAB/fixed/image
        mount --bind $LAB/image $LAB/fixed/image && mount -o remount,ro,bind $LAB/fixed/image
        mkdir devices/a; cd devices/a; echo blk >type; echo $LAB/fixed/image >path
        """)
      let refused = try lab.run("echo 1 >devices/a/enabled")
      let accepted = try lab.run("cd devices/a; echo 1 >read_only; echo 1 >enabled; cat enabled")
      _ = try lab.run("echo 0 >devices/a/enabled; umount $LAB/fixed/image")
      #expect(refused.text.contains("Read-only file system"), "\(refused.text)")
      #expect(accepted.text == "1\n")
    }

    @Test(
      "Names of devices and containers",
      arguments: [".hidden", "tab\tinside", String(repeating: "n", count: 65)])
    func names(name: String) throws {
      let lab = try Lab()
      defer { lab.end() }
      #expect(throws: Errno.self) {
        try makeDirectory("\(lab.tree)/devices/\(name)", permissions: 0o755)
      }
      #expect(throws: Errno.self) {
        try makeDirectory("\(lab.tree)/containers/\(name)", permissions: 0o755)
      }
      #expect(try lab.run("ls devices containers").lines == ["containers:", "devices:"])
    }

    @Test("A device whose socket's path would be over 107 bytes")
    func socketPath() throws {
      let lab = try Lab()
      defer { lab.end() }
      let deep = String(repeating: "r", count: 60)
      _ = try shell("vbusfs mount --runtime \(lab.folder)/\(deep) \(lab.folder)/tree2")
      defer { _ = try? shell("vbusfs umount \(lab.folder)/tree2") }
      let name = String(repeating: "n", count: 40)
      #expect(throws: Errno.nameTooLong) {
        try makeDirectory("\(lab.folder)/tree2/devices/\(name)", permissions: 0o755)
      }
      #expect(try shell("ls \(lab.folder)/tree2/devices").text == "")
    }

    @Test("A stopped engine makes a writer fail in time and hangs nobody else")
    func stoppedEngine() throws {
      let lab = try Lab()
      defer { lab.end() }
      _ = try lab.addDisk(byteCount: 1 << 20)
      _ = try lab.run(
        """
        kill -STOP $(cat containers/lab0/engine/pid)
        mkdir devices/b; cd devices/b
        echo blk >type; echo null >backend; echo 1M >capacity; echo 1 >enabled
        """)
      let waiting = try lab.run("ln -s ../../../devices/b containers/lab0/devices/", seconds: 30)
      #expect(waiting.ending != .killed(signal: Signal.kill))
      #expect(waiting.ending != .exited(137))
      #expect(try lab.run("cat version; ls devices", seconds: 5).succeeded)
    }
  }
}
