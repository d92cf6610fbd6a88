import EngineLink
import LinuxSystem

/// A device of a lab: what its control offers the engine, and its host side.
struct LabDevice: Sendable {
  var offer: DeviceOffer
  let path: String
  let descriptors: [Descriptor]
  /// The image of a disk, the other end of a console's host side.
  let host: Descriptor?

  static let diskByteCount = 4 << 20

  static func rng(_ id: UInt64, in folder: String) throws -> LabDevice {
    try LabDevice(
      offer(id, "rng", "virtio-rng", 4, [:]), in: folder, queueCount: 1, side: nil, host: nil)
  }

  static func disk(_ id: UInt64, in folder: String) throws -> LabDevice {
    let image = try makeMemoryFile("disk", byteCount: diskByteCount)
    let values = [
      "backend": "file", "capacity": String(diskByteCount), "num_queues": "2", "serial": "lab",
    ]
    return try LabDevice(
      offer(id, "blk", "virtio-blk", 2, values), in: folder, queueCount: 2, side: image,
      host: image)
  }

  static func console(_ id: UInt64, in folder: String) throws -> LabDevice {
    let (side, host) = try makeStreamPair()
    return try LabDevice(
      offer(id, "console", "virtio-console", 3, ["backend": "socket"]), in: folder,
      queueCount: 2, side: side, host: host)
  }

  static func card(_ id: UInt64, in folder: String) throws -> LabDevice {
    let values = ["mac": "02:00:00:00:00:01", "backend": "loopback"]
    return try LabDevice(
      offer(id, "net", "virtual-ethernet", 1, values), in: folder, queueCount: 4, side: nil,
      host: nil)
  }

  private static func offer(
    _ id: UInt64, _ className: String, _ type: String, _ virtioID: UInt32,
    _ values: [String: String]
  ) -> DeviceOffer {
    DeviceOffer(
      id: id, className: className, values: values, offered: .max, devID: UInt32(id),
      interfaceType: type, virtioID: virtioID)
  }

  private init(
    _ offer: DeviceOffer, in folder: String, queueCount: Int, side: Descriptor?,
    host: Descriptor?
  ) throws {
    self.offer = offer
    self.host = host
    path = folder + "/device\(offer.id)"
    let listener = try listen(
      at: path, permissions: 0o600, uid: effectiveUser(), gid: effectiveGroup())
    let record = try DeviceRecord.make(queueCount: queueCount)
    descriptors = [listener, record.file] + (side.map { [$0] } ?? [])
  }
}
