import LinuxSystem
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Debian's kernel in QEMU uses a disk", .needs(.qemu, .qemuGuest))
  struct QemuTests {
    @Test("Over PCI: files are whole, attributes and unmasked bits are seen")
    func disk() throws {
      let lab = try Lab()
      defer { lab.end() }
      let disk = try lab.addDisk(with: ["serial": "lab-8", "features/bits/event_idx": "0"])
      let commands = [
        Commands.attributes, Commands.features, Commands.files, "echo ready; read -r _",
      ]
      let guest = try Guest(
        .qemu, on: [disk.socket], running: commands.joined(separator: "\n"), in: lab)
      try guest.awaitLine("ready")
      let acknowledged = try lab.number("devices/disk0/features/acked")
      try guest.say("go")
      let report = try guest.finish()
      #expect(report.status == 0, "\(report.lines)")
      #expect(report.value("serial") == "lab-8")
      #expect(report.value("sectors") == "131072")
      #expect(report.features == acknowledged)
      #expect(report.features & (Bits.eventIndex | Bits.version1) == Bits.version1)
      #expect(try lab.damage(of: disk) == "")
      #expect(try lab.checksum(of: "/large", on: disk) == report.value("large"))
    }

    @Test("A capacity written while it runs reaches it, and it writes behind the old end")
    func growth() throws {
      let lab = try Lab()
      defer { lab.end() }
      let growth = try Growth(under: .qemu, in: lab)
      #expect(growth.report.value("before") == "131072")
      #expect(growth.report.value("after") == "196608")
      #expect(growth.behindOldEnd == "behind the old end")
    }

    @Test("A read-only disk refuses its writes and stays as it was")
    func readOnly() throws {
      let lab = try Lab()
      defer { lab.end() }
      let disk = try lab.addDisk(byteCount: 1 << 20, with: ["read_only": "1"])
      let report = try Guest(
        .qemu, on: [disk.socket], running: Commands.overwrite, in: lab
      ).finish()
      #expect(report.value("read_only") == "1")
      #expect(report.value("written") == "no")
      #expect(try lab.run("cmp -n 1048576 $LAB/disk0.img /dev/zero").succeeded)
    }
  }
}
