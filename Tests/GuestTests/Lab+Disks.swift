import LinuxSystem
import TestSupport

extension Lab {
  /// A disk, plugged into container `lab0` and listening.
  struct Disk {
    let name: String
    let image: String
    let socket: String
  }

  /// Makes a disk on a new image of zeros, with further attributes set before it is enabled.
  func addDisk(
    _ name: String = "disk0", byteCount: UInt64 = 64 << 20, with attributes: [String: String] = [:]
  ) throws -> Disk {
    let disk = Disk(
      name: name, image: "\(folder)/\(name).img", socket: "\(tree)/devices/\(name)/socket")
    try resize(open(disk.image, [.writeOnly, .create]), to: byteCount)
    try makeDirectory("\(tree)/devices/\(name)", permissions: 0o755)
    try set("devices/\(name)/type", "blk")
    try set("devices/\(name)/path", disk.image)
    for (attribute, value) in attributes { try set("devices/\(name)/\(attribute)", value) }
    try set("devices/\(name)/enabled", "1")
    try plug(disk)
    return disk
  }

  func plug(_ disk: Disk) throws {
    _ = try run(
      "mkdir -p containers/lab0; ln -s ../../../devices/\(disk.name) containers/lab0/devices/")
    try awaitText("devices/\(disk.name)/status", "listening")
  }

  func unplug(_ disk: Disk) throws {
    try unlink("\(tree)/containers/lab0/devices/\(disk.name)")
  }

  /// What e2fsck finds wrong with the ext4 on an image; empty when nothing.
  func damage(of disk: Disk) throws -> String {
    let outcome = try run("e2fsck -fn \(disk.image)")
    return outcome.succeeded ? "" : outcome.text
  }

  /// The SHA-256 of a file on the ext4 of an image, read without mounting it.
  func checksum(of file: String, on disk: Disk) throws -> String {
    let outcome = try run("debugfs -R 'cat \(file)' \(disk.image) 2>/dev/null | sha256sum")
    return String(outcome.text.prefix(64))
  }
}
