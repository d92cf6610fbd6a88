import LinuxSystem
import TestSupport
import Testing

extension EndToEnd {
  @Suite(
    "User-Mode Linux uses a disk",
    .needs(.userModeLinux))
  struct UserModeLinuxTests {
    @Test("Files it writes on an ext4 it makes are whole on the host's image")
    func files() throws {
      let lab = try Lab()
      defer { lab.end() }
      let disk = try lab.addDisk()
      let report = try Guest(
        .userModeLinux, on: [disk.socket], running: Commands.files, in: lab
      ).finish()
      #expect(report.status == 0, "\(report.lines)")
      #expect(try lab.damage(of: disk) == "")
      #expect(try lab.checksum(of: "/small", on: disk) == report.value("small"))
      #expect(try lab.checksum(of: "/large", on: disk) == report.value("large"))
    }

    @Test("With notifications in band its files are whole too")
    func inBand() throws {
      let lab = try Lab()
      defer { lab.end() }
      let disk = try lab.addDisk(with: ["in_band_notifications": "1"])
      let report = try Guest(
        .userModeLinux, on: [disk.socket], running: Commands.files, in: lab
      ).finish()
      #expect(report.status == 0, "\(report.lines)")
      #expect(try lab.checksum(of: "/large", on: disk) == report.value("large"))
    }

    @Test("It sees the serial, the capacity and the block size that were set")
    func attributes() throws {
      let lab = try Lab()
      defer { lab.end() }
      let disk = try lab.addDisk(
        byteCount: 1 << 20, with: ["serial": "lab-7", "capacity": "48M", "block_size": "4096"])
      let report = try Guest(
        .userModeLinux, on: [disk.socket], running: Commands.attributes, in: lab
      ).finish()
      #expect(report.value("serial") == "lab-7")
      #expect(report.value("sectors") == "98304")
      #expect(report.value("block_size") == "4096")
      #expect(report.value("read_only") == "0")
    }

    @Test("A read-only disk refuses its writes and stays as it was")
    func readOnly() throws {
      let lab = try Lab()
      defer { lab.end() }
      let disk = try lab.addDisk(byteCount: 1 << 20, with: ["read_only": "1"])
      let report = try Guest(
        .userModeLinux, on: [disk.socket], running: Commands.overwrite, in: lab
      ).finish()
      #expect(report.value("read_only") == "1")
      #expect(report.value("written") == "no")
      #expect(try lab.run("cmp -n 1048576 $LAB/disk0.img /dev/zero").succeeded)
    }

    @Test("It acknowledges exactly the bits that are not masked")
    func features() throws {
      let lab = try Lab()
      defer { lab.end() }
      let disk = try lab.addDisk()
      let whole = try features(with: disk, in: lab)
      try lab.set("devices/disk0/enabled", "0")
      try lab.set("devices/disk0/features/bits/discard", "0")
      try lab.set("devices/disk0/features/bits/event_idx", "0")
      try lab.set("devices/disk0/enabled", "1")
      let masked = try features(with: disk, in: lab)
      #expect(whole & (Bits.discard | Bits.eventIndex) == Bits.discard | Bits.eventIndex)
      #expect(masked == whole & ~(Bits.discard | Bits.eventIndex))
    }

    @Test("While it runs, the tree shows the bits it acknowledged")
    func acknowledged() throws {
      let lab = try Lab()
      defer { lab.end() }
      let disk = try lab.addDisk()
      let guest = try Guest(
        .userModeLinux, on: [disk.socket], running: Commands.features + "; echo ready; read -r _",
        in: lab)
      try guest.awaitLine("ready")
      let shown = try lab.number("devices/disk0/features/acked")
      #expect(try lab.text("devices/disk0/status") == "running")
      try guest.say("go")
      #expect(try guest.finish().features == shown)
    }

    @Test("Two disks in one guest are told apart")
    func twoDisks() throws {
      let lab = try Lab()
      defer { lab.end() }
      let disks = try [
        lab.addDisk("disk0", with: ["serial": "first"]),
        lab.addDisk("disk1", with: ["serial": "second"]),
      ]
      let report = try Guest(
        .userModeLinux, on: disks.map(\.socket), running: "cd /sys/block; grep -H . vd?/serial",
        in: lab
      ).finish()
      #expect(report.lines == ["vda/serial:first", "vdb/serial:second"])
    }

    @Test("A capacity written while it runs reaches it, and it writes behind the old end")
    func growth() throws {
      let lab = try Lab()
      defer { lab.end() }
      let growth = try Growth(under: .userModeLinux, in: lab)
      #expect(growth.report.value("before") == "131072")
      #expect(growth.report.value("after") == "196608")
      #expect(growth.behindOldEnd == "behind the old end")
    }

    @Test("Unplugging its disk while it runs leaves guest and host healthy")
    func unplug() throws {
      let lab = try Lab()
      defer { lab.end() }
      let disk = try lab.addDisk()
      let guest = try Guest(
        .userModeLinux, on: [disk.socket], running: Commands.readWhileUnplugged, in: lab)
      try guest.awaitLine("ready")
      try lab.unplug(disk)
      try guest.say("unplugged")
      #expect(try guest.finish().lines.last == "alive")
      try lab.plug(disk)
      let next = try Guest(
        .userModeLinux, on: [disk.socket], running: Commands.files, in: lab)
      #expect(try next.finish().status == 0)
    }

    private func features(with disk: Lab.Disk, in lab: Lab) throws -> UInt64 {
      try lab.awaitText("devices/\(disk.name)/status", "listening")
      return try Guest(
        .userModeLinux, on: [disk.socket], running: Commands.features, in: lab
      ).finish().features
    }
  }
}
