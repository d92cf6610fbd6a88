import LinuxSystem
import TestSupport

/// A disk that grows under a running guest; what the guest and the host saw of it.
struct Growth {
  let report: Guest.Report
  /// What the image holds where there was nothing before.
  let behindOldEnd: String

  init(under machine: Machine, in lab: Lab) throws {
    let disk = try lab.addDisk(byteCount: 64 << 20)
    let guest = try Guest(machine, on: [disk.socket], running: Commands.growth, in: lab)
    try guest.awaitLine("ready")
    try lab.set("devices/disk0/capacity", "96M")
    report = try guest.finish()
    behindOldEnd =
      try lab.run("dd if=\(disk.image) bs=1M skip=64 count=1 status=none | head -n 1")
      .lines.first ?? ""
  }
}
