import LinuxSystem
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Guests use consoles and random numbers")
  struct SmallDeviceTests {
    let lab: Lab

    init() throws { lab = try Lab() }

    @Test(
      "What User-Mode Linux prints on a console is added to its file",
      .needs(.userModeLinux))
    func printsToFile() throws {
      defer { lab.end() }
      try write(Array("before\n".utf8), toFile: lab.folder + "/log")
      let console = try lab.addDevice(
        "console", "con0", with: ["backend": "file", "path": lab.folder + "/log"])
      let report = try lab.report(
        of: .userModeLinux, on: ["console=\(console)"],
        running: "exec 5<>/dev/hvc0; stty raw <&5; echo 'said on the console' >&5; sleep 1")
      #expect(report.status == 0, "\(report.lines)")
      #expect(try lab.run("cat $LAB/log").text == "before\nsaid on the console\n")
      #expect(try lab.number("devices/con0/stats/tx_bytes") == 20)
    }

    @Test(
      "Lines go both ways between a terminal of the host and User-Mode Linux",
      .needs(.userModeLinux))
    func terminal() throws {
      defer { lab.end() }
      let console = try lab.addDevice("console", "con0", with: ["backend": "pty"])
      let guest = try Guest(
        .userModeLinux, on: ["console=\(console)"],
        running: """
          exec 5<>/dev/hvc0
          stty raw -echo <&5
          echo ready
          read -r line <&5
          echo "heard $line"
          echo "you said $line" >&5
          read -r _
          """, in: lab)
      try guest.awaitLine("ready")
      let answer = try lab.run(
        """
        exec 5<>$(cat devices/con0/pty)
        stty raw -echo <&5
        echo hello >&5
        read -r -t 20 line <&5
        echo "$line"
        """)
      try guest.say("end")
      #expect(try guest.finish().value("heard") == "hello")
      #expect(answer.text == "you said hello\n")
    }

    @Test(
      "QEMU's guest reads random bytes, no faster than the limit lets it",
      .needs(.qemu, .qemuGuest))
    func random() throws {
      defer { lab.end() }
      let source = try lab.addDevice("rng", "rng0", with: ["limits/bytes_per_second": "2000"])
      let report = try lab.report(
        of: .qemu, on: ["rng=\(source)"],
        running: """
          cat /sys/class/misc/hw_random/rng_current
          begin=$(date +%s)
          head -c 8000 /dev/hwrng | sha256sum
          echo "seconds $(($(date +%s) - begin))"
          """)
      #expect(report.status == 0, "\(report.lines)")
      #expect(report.lines.first == "virtio_rng.0")
      #expect(try #require(report.value("seconds").flatMap { Int($0) }) >= 2)
      #expect(try lab.number("devices/rng0/stats/bytes") >= 8000)
    }
  }
}
