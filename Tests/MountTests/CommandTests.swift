import TestSupport
import Testing

extension MountTests {
  @Suite("wait and rm")
  struct CommandTests {
    @Test("wait returns at once when the value is there")
    func present() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run("disk d; vbusfs wait devices/d/status offline --timeout 0")
      #expect(outcome.text == "")
      #expect(outcome.succeeded)
    }

    @Test(
      "wait returns when the value comes",
      arguments: [
        ("devices/d/status", "listening", "plug d"),
        ("devices/d/enabled", "0", "echo 0 >devices/d/enabled"),
        ("devices/d/serial", "abc", "echo abc >devices/d/serial"),
        ("containers/lab/status", "running", "plug d"),
      ])
    func later(file: String, value: String, change: String) throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d; echo 1 >devices/d/enabled; mkdir containers/lab
        (sleep 0.3; \(change)) &
        vbusfs wait \(file) \(value) --timeout 10; echo $?; cat \(file)
        """)
      #expect(outcome.text == "0\n\(value)\n")
    }

    @Test("wait gives up in time, with status 1 and a sentence")
    func timeout() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d; disk e; (sleep 0.1; echo 1 >devices/e/enabled) &
        vbusfs wait devices/d/status running --timeout 0.4 || echo $?
        """)
      #expect(
        outcome.text == """
          Error: devices/d/status is offline, not running, after 0.4 seconds
          1

          """)
    }

    @Test("wait is not woken by changes of other files")
    func sleeps() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d; disk e
        vbusfs wait devices/d/status running --timeout 10 2>/dev/null &
        sleep 0.3
        switches() { sed -n 's/^voluntary_ctxt_switches:\\t//p' /proc/$!/status; }
        before=$(switches)
        for serial in {1..50}; do echo $serial >devices/e/serial; done
        echo $(($(switches) - before)); kill $!
        """)
      #expect(outcome.text == "0\n")
    }

    @Test("wait outlives control")
    func controlKilled() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d
        vbusfs wait devices/d/status enabled --timeout 10 &
        sleep 0.3; kill -KILL $(pid_of control); echo 1 >devices/d/enabled; wait $!; echo $?
        """)
      #expect(outcome.text == "0\n")
    }

    @Test("wait for a file that is not there is refused")
    func missing() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run("vbusfs wait devices/d/status running")
      #expect(
        outcome.text
          == "Error: devices/d/status cannot be opened: ENOENT (No such file or directory)\n")
    }

    @Test("wait ends when the device it waits on is removed")
    func removed() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        """
        disk d; (sleep 0.3; rmdir devices/d) &
        vbusfs wait devices/d/status running
        """)
      #expect(outcome.text == "Error: devices/d/status is gone\n")
    }

    @Test("rm unplugs, disables and removes a device")
    func removeDevice() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run("live d; vbusfs rm devices/d; ls devices containers/lab/devices")
      #expect(outcome.text == "containers/lab/devices:\n\ndevices:\n")
    }

    @Test("rm unplugs what is in a container, and removes it; the devices stay")
    func removeContainer() throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run(
        "live d; live e; vbusfs rm containers/lab; ls containers; cat devices/*/status")
      #expect(outcome.text == "enabled\nenabled\n")
    }

    @Test(
      "rm of anything else is refused with a sentence",
      arguments: [
        ("version", "$LAB/tree/version is no device and no container"),
        ("devices", "$LAB/tree/devices is no device and no container"),
        ("devices/d", "$LAB/tree/devices/d is no device and no container"),
        ("/etc", "/etc is no device and no container"),
      ])
    func removeOther(path: String, sentence: String) throws {
      let lab = try Lab()
      defer { lab.end() }
      let outcome = try lab.run("vbusfs rm \(path)")
      #expect(outcome.text == "Error: \(sentence)\n")
      #expect(!outcome.succeeded)
    }
  }
}
