internal import LinuxSystem
internal import Rings
internal import Virtio

/// A disk as a driver reads it (VIRTIO 1.2 section 5.2), one request at a time.
public final class VirtioDisk {
  /// VIRTIO 1.2 section 5.
  public static let deviceID: UInt32 = 2

  public let device: VirtioDevice
  /// In bytes.
  public let capacity: UInt64
  private let memory: ClientMemory
  private let queue: ClientQueue
  private let header: ClientBuffer
  private let data: ClientBuffer
  private let status: ClientBuffer

  /// What one request reads at most.
  public static let byteCountMax = 1 << 16
  private static let sectorByteCount: UInt64 = 512
  private static let entries = 4

  /// Starts the device. ENODEV when it is no disk.
  public init(_ connection: DeviceConnection) throws(BusError) {
    device = try VirtioDevice(connection)
    guard device.identity.deviceID == Self.deviceID else { throw .refused(.noDevice) }
    let features = try device.negotiate(.version1)
    let memory = try connection.client.makeMemory(byteCount: Self.byteCountMax + 8192)
    queue = try device.makeQueue(0, .virtqueue(Self.entries, features: features), in: memory)
    guard let header = memory.allocate(16), let data = memory.allocate(Self.byteCountMax),
      let status = memory.allocate(1)
    else { throw .noRoom }
    (self.memory, self.header, self.data, self.status) = (memory, header, data, status)
    try device.start()
    let sectors = littleEndian(try device.configuration(offset: 0, count: 8))
    capacity = sectors.multipliedReportingOverflow(by: Self.sectorByteCount).partialValue
  }

  /// Reads bytes from anywhere. EINVAL behind the end, EIO when the disk cannot read. A disk that
  /// does not answer in time has timed out.
  public func read(
    offset: UInt64, count: Int, milliseconds: UInt32 = 30_000
  ) throws(BusError) -> [UInt8] {
    guard count >= 0, offset <= capacity, capacity - offset >= UInt64(count) else {
      throw .refused(.invalid)
    }
    var bytes: [UInt8] = []
    while bytes.count < count {
      let place = offset + UInt64(bytes.count)
      let lead = Int(place % Self.sectorByteCount)
      let rest = count - bytes.count
      let length = min(Self.byteCountMax, (lead + rest + 511) / 512 * 512)
      let block = try readSectors(place / Self.sectorByteCount, length, milliseconds)
      bytes += block.dropFirst(lead).prefix(rest)
    }
    return bytes
  }

  private func readSectors(
    _ sector: UInt64, _ byteCount: Int, _ milliseconds: UInt32
  ) throws(BusError) -> [UInt8] {
    var writer = WireWriter()
    // VIRTIO_BLK_T_IN, reserved, sector.
    for word in [0, 0] as [UInt32] { writer.put(word) }
    writer.put(sector)
    memory.set(writer.bytes, in: header)
    memory.set([0xff], in: status)
    let chain = [
      header.segment(isWritable: false), data.segment(isWritable: true, byteCount: byteCount),
      status.segment(isWritable: true),
    ]
    guard try queue.post(chain, cookie: 0) else { throw .noRoom }
    try queue.publish()
    guard try queue.wait(milliseconds: Int32(clamping: milliseconds)) else { throw .timedOut }
    _ = try queue.reap()
    guard memory.bytes(of: status) == [0] else { throw .refused(.inputOutput) }
    return memory.bytes(of: data, count: byteCount)
  }
}
