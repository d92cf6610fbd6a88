import LinuxSystem
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Guests use a disk", .needs(.userModeLinux, .qemu, .qemuGuest))
  struct DiskTests {
    let lab: Lab

    init() throws { lab = try Lab() }

    @Test(
      "Files a guest writes on an ext4 it makes are whole on the host's image",
      arguments: Machine.allCases)
    func files(machine: Machine) throws {
      defer { lab.end() }
      let disk = try lab.addDisk()
      let report = try lab.report(of: machine, on: [disk.socket], running: Commands.files)
      #expect(report.status == 0, "\(report.lines)")
      #expect(try lab.damage(of: disk) == "")
      #expect(try lab.checksum(of: "/small", on: disk) == report.value("small"))
      #expect(try lab.checksum(of: "/large", on: disk) == report.value("large"))
    }

    @Test("With notifications in band the files of User-Mode Linux are whole too")
    func inBand() throws {
      defer { lab.end() }
      let disk = try lab.addDisk(with: ["in_band_notifications": "1"])
      let report = try lab.report(of: .userModeLinux, on: [disk.socket], running: Commands.files)
      #expect(report.status == 0, "\(report.lines)")
      #expect(try lab.checksum(of: "/large", on: disk) == report.value("large"))
    }

    @Test(
      "A guest sees the serial, the capacity and the block size that were set",
      arguments: Machine.allCases)
    func attributes(machine: Machine) throws {
      defer { lab.end() }
      let disk = try lab.addDisk(
        byteCount: 1 << 20, with: ["serial": "lab-7", "capacity": "48M", "block_size": "4096"])
      let report = try lab.report(of: machine, on: [disk.socket], running: Commands.attributes)
      #expect(report.value("serial") == "lab-7")
      #expect(report.value("sectors") == "98304")
      #expect(report.value("block_size") == "4096")
      #expect(report.value("read_only") == "0")
    }

    @Test(
      "A read-only disk refuses its guest's writes and stays as it was",
      arguments: Machine.allCases)
    func readOnly(machine: Machine) throws {
      defer { lab.end() }
      let disk = try lab.addDisk(byteCount: 1 << 20, with: ["read_only": "1"])
      let report = try lab.report(of: machine, on: [disk.socket], running: Commands.overwrite)
      #expect(report.value("read_only") == "1")
      #expect(report.value("written") == "no")
      #expect(try lab.run("cmp -n 1048576 $LAB/disk0.img /dev/zero").succeeded)
    }

    @Test("A guest acknowledges exactly the bits that are not masked", arguments: Machine.allCases)
    func features(machine: Machine) throws {
      defer { lab.end() }
      let disk = try lab.addDisk()
      let whole = try lab.report(of: machine, on: [disk.socket], running: Commands.features)
        .features
      try lab.set("devices/disk0/enabled", "0")
      try lab.set("devices/disk0/features/bits/discard", "0")
      try lab.set("devices/disk0/features/bits/event_idx", "0")
      try lab.set("devices/disk0/enabled", "1")
      try lab.awaitText("devices/disk0/status", "listening")
      let masked = try lab.report(of: machine, on: [disk.socket], running: Commands.features)
        .features
      let both = Bits.discard | Bits.eventIndex
      #expect(whole & (both | Bits.version1) == both | Bits.version1)
      #expect(masked == whole & ~both)
    }

    @Test(
      "While a guest runs, the tree shows the bits it acknowledged", arguments: Machine.allCases)
    func acknowledged(machine: Machine) throws {
      defer { lab.end() }
      let disk = try lab.addDisk()
      let guest = try Guest(
        machine, on: [disk.socket], running: Commands.features + "; echo ready; read -r _", in: lab)
      try guest.awaitLine("ready")
      let shown = try lab.number("devices/disk0/features/acked")
      #expect(try lab.text("devices/disk0/status") == "running")
      try guest.say("go")
      #expect(try guest.finish().features == shown)
    }

    @Test("Two disks in one guest are told apart", arguments: Machine.allCases)
    func twoDisks(machine: Machine) throws {
      defer { lab.end() }
      let disks = try [
        lab.addDisk("disk0", with: ["serial": "first"]),
        lab.addDisk("disk1", with: ["serial": "second"]),
      ]
      let report = try lab.report(
        of: machine, on: disks.map(\.socket), running: "cd /sys/block; grep -H . vd?/serial")
      #expect(report.lines == ["vda/serial:first", "vdb/serial:second"])
    }

    @Test(
      "A capacity written while a guest runs reaches it, and it writes behind the old end",
      arguments: Machine.allCases)
    func growth(machine: Machine) throws {
      defer { lab.end() }
      let disk = try lab.addDisk(byteCount: 64 << 20)
      let guest = try Guest(machine, on: [disk.socket], running: Commands.growth, in: lab)
      try guest.awaitLine("ready")
      try lab.set("devices/disk0/capacity", "96M")
      let report = try guest.finish()
      #expect(report.value("before") == "131072")
      #expect(report.value("after") == "196608")
      let behind = try lab.run("dd if=\(disk.image) bs=1M skip=64 count=1 status=none | head -n 1")
      #expect(behind.lines.first == "behind the old end")
    }

    @Test("Unplugging the disk of a running guest leaves guest and host healthy")
    func unplug() throws {
      defer { lab.end() }
      let disk = try lab.addDisk()
      let guest = try Guest(
        .userModeLinux, on: [disk.socket], running: Commands.readWhileUnplugged, in: lab)
      try guest.awaitLine("ready")
      try lab.unplug(disk)
      try guest.say("unplugged")
      #expect(try guest.finish().lines.last == "alive")
      try lab.plug(disk.name)
      let next = try lab.report(of: .userModeLinux, on: [disk.socket], running: Commands.files)
      #expect(next.status == 0)
    }
  }
}
