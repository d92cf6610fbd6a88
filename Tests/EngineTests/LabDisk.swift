import EngineLink
import LinuxSystem
import SharedMemory
import Synchronization

/// A disk as control offers it to an engine: listener, record, image.
final class LabDisk {
  static let byteCount = 1 << 20
  private static let lastID = Atomic<UInt64>(0)

  let offer: DeviceOffer
  let path: String
  let record: DeviceRecord
  let image: Descriptor
  let descriptors: [Descriptor]

  init(in folder: String, _ other: [String: String] = [:]) throws {
    let id = Self.lastID.add(1, ordering: .relaxed).newValue
    path = folder + "/disk\(id)"
    let listener = try listen(
      at: path, permissions: 0o600, uid: effectiveUser(), gid: effectiveGroup())
    image = try open(path + ".image", [.readWrite, .create])
    try resize(image, to: UInt64(Self.byteCount))
    var values = [
      "backend": "file", "capacity": String(Self.byteCount), "num_queues": "2",
      "serial": "lab\(id)",
    ]
    values.merge(other) { $1 }
    record = try DeviceRecord.make(queueCount: Int(values["num_queues"] ?? "") ?? 1)
    offer = DeviceOffer(
      id: id, className: "blk", values: values, offered: .max, devID: UInt32(id),
      interfaceType: "virtio-blk", virtioID: 2)
    descriptors =
      [listener, record.file] + (values["backend"] == "null" ? [] : [image])
  }

  /// Waits until the record shows what is due.
  func waitUntil(_ isDue: (DeviceRecord) -> Bool) throws {
    for _ in 0..<10_000 where !isDue(record) { pause(milliseconds: 1) }
    guard isDue(record) else { throw Errno.timedOut }
  }

  /// What the image holds from a sector on.
  func content(sector: Int, count: Int = 512) throws -> [UInt8] {
    try SharedFile(mapping: image, byteCount: Self.byteCount, writable: false)
      .bytes(at: 512 * sector, byteCount: count)
  }
}
