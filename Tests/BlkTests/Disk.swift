import Devices
import Engine
import LinuxSystem
import RingDriver
import SharedMemory
import Virtio

/// A disk of 64 sectors with a driver of ours, and all that a guest and a host see of it.
final class Disk {
  static let byteCount = 64 * 512

  let memory: DriverMemory
  let driver: SplitDriver
  let guest: GuestMemory
  let model: BlkModel
  let file: Descriptor
  let image: SharedFile
  private let counterFile: SharedFile

  init(
    _ values: [String: String] = [:], on other: Descriptor? = nil, acked: FeatureBits? = nil
  ) throws {
    memory = try DriverMemory(byteCount: 1 << 22)
    guard let size = QueueSize(32) else { throw Errno.invalid }
    driver = SplitDriver(size, in: memory, features: .splitRing)
    guest = try memory.mapped()
    let disk = try Self.resizable(Self.byteCount)
    image = try SharedFile(mapping: disk, byteCount: Self.byteCount, writable: true)
    file = other ?? disk
    let words = 8 * BlkCounter.allCases.count
    counterFile = try SharedFile(
      mapping: try makeMemoryFile("counters", byteCount: words), byteCount: words, writable: true)
    var all = ["backend": "file", "capacity": String(Self.byteCount)]
    all.merge(values) { $1 }
    let setup = DeviceSetup(
      values: all, descriptors: all["backend"] == "null" ? [] : [file],
      counters: counterFile.window(at: 0, byteCount: words))
    model = try BlkModel(setup)
    model.negotiated(acked?.rawValue ?? model.features)
  }

  /// A file that can be cut, as users' files can.
  static func resizable(_ byteCount: Int) throws -> Descriptor {
    let path = "/dev/shm/vbusfs-blk-\(monotonicNanoseconds())"
    let file = try open(path, [.readWrite, .create, .exclusive])
    try unlink(path)
    try resize(file, to: UInt64(byteCount))
    return file
  }

  func counter(_ counter: BlkCounter) -> UInt64 {
    counterFile.window(at: 8 * counter.rawValue, byteCount: 8).relaxed64(at: 0)
  }

  func ring(_ log: InflightLog? = nil, start: UInt16 = 0) throws(RingFault) -> SplitRing {
    try SplitRing(
      size: driver.size, at: driver.addresses, memory: guest, start: start,
      features: .splitRing, log: log)
  }

  /// Serves a chain as it is; what the driver got back, or the fault.
  func serve(_ chain: [Segment]) throws -> Completion? {
    _ = driver.offer(chain)
    driver.publish()
    var ring = try ring(start: driver.used.relaxed16(at: SplitLayout.index))
    _ = try model.serve(queue: 0, &ring, guest, budget: 32)
    return try driver.reap()
  }

  /// A request with its header, data and status in buffers of their own; its status.
  func request(_ type: UInt32, sector: UInt64 = 0, _ data: [Segment] = []) throws -> UInt8 {
    let status = memory.target(1)
    _ = try serve([header(type, sector)] + data + [status])
    return memory.content(of: status)[0]
  }

  func header(_ type: UInt32, _ sector: UInt64 = 0) -> Segment {
    memory.source(Self.headerBytes(type, sector))
  }

  static func headerBytes(_ type: UInt32, _ sector: UInt64) -> [UInt8] {
    bytes(type) + bytes(UInt32(0)) + bytes(sector)
  }

  static func range(_ sector: UInt64, _ count: UInt32, flags: UInt32 = 0) -> [UInt8] {
    bytes(sector) + bytes(count) + bytes(flags)
  }

  private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
    littleEndian(value, byteCount: value.bitWidth / 8)
  }

  func fill(_ byte: UInt8) {
    image.setBytes([UInt8](repeating: byte, count: Self.byteCount), at: 0)
  }

  func sector(_ index: Int) -> [UInt8] { image.bytes(at: 512 * index, byteCount: 512) }
}

/// A sector full of one byte.
func sectorOf(_ byte: UInt8, _ count: Int = 1) -> [UInt8] {
  [UInt8](repeating: byte, count: 512 * count)
}
