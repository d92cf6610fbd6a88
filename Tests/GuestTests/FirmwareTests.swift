import LinuxSystem
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Firmware boots from a disk", .needs(.qemu))
  struct FirmwareTests {
    @Test("SeaBIOS reads a boot sector, which reads, writes, prints and powers off")
    func boots() throws {
      let lab = try Lab()
      defer { lab.end() }
      let disk = try lab.addDisk()
      _ = try lab.run("\(guestFolder)/bootsector 'sector two' >$LAB/disk0.img")
      let guest = try Guest(.qemu, on: [disk.socket], in: lab)
      #expect(try guest.awaitPowerOff(seconds: 10) == .exited(0))
      #expect(guest.lines == ["sector two"])
      #expect(
        try lab.run("dd if=$LAB/disk0.img skip=2 count=1 status=none | head -c 10").text
          == "sector two")
    }

    @Test("Ten front ends come and go on one disk")
    func comeAndGo() throws {
      let lab = try Lab()
      defer { lab.end() }
      let disk = try lab.addDisk()
      _ = try lab.run("\(guestFolder)/bootsector 'again' >$LAB/disk0.img")
      let words = try (0..<10).map { _ in
        let guest = try Guest(.qemu, on: [disk.socket], in: lab)
        _ = try guest.awaitPowerOff(seconds: 10)
        return guest.lines
      }
      #expect(words == Array(repeating: ["again"], count: 10))
      try lab.awaitText("devices/disk0/status", "listening")
    }

    @Test("A disk that is not plugged in has no socket to boot from")
    func unplugged() throws {
      let lab = try Lab()
      defer { lab.end() }
      let disk = try lab.addDisk()
      try lab.unplug(disk)
      let guest = try Guest(.qemu, on: [disk.socket], in: lab)
      #expect(try guest.awaitPowerOff(seconds: 10) == .exited(1))
    }
  }
}
