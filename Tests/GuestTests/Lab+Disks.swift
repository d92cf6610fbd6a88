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
    let image = "\(folder)/\(name).img"
    try resize(open(image, [.writeOnly, .create]), to: byteCount)
    let socket = try addDevice("blk", name, with: attributes.merging(["path": image]) { $1 })
    return Disk(name: name, image: image, socket: socket)
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
