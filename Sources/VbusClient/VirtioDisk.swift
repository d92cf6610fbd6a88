internal import LinuxSystem
internal import Virtio

/// A disk as a driver reads it (VIRTIO 1.2 section 5.2), one request at a time.
public final class VirtioDisk {
  /// VIRTIO 1.2 section 5.
  public static let deviceID: UInt32 = 2

  /// The disk as any other virtio device.
  public let device: VirtioDevice
  /// In bytes.
  public let capacity: UInt64
  private let memory: ClientMemory
  private let queue: ClientQueue
  private let header: ClientBuffer
  private let data: ClientBuffer
  private let status: ClientBuffer
  /// The device has the buffers.
  private var isPending = false

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

  /// Closes the disk, and gives back all that was taken for it.
  public func close() throws(BusError) { try device.connection.close(dropping: memory) }

  /// Reads bytes from anywhere. EINVAL behind the end, EIO when the disk cannot read.
  ///
  /// It takes a request for each `byteCountMax` bytes. One that is not answered within
  /// `milliseconds` is `.timedOut`, which does not end the connection here; the next one waits for
  /// it first. Less than 0 milliseconds wait for ever.
  public func read(
    offset: UInt64, count: Int, milliseconds: Int32 = 30_000
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
    _ sector: UInt64, _ byteCount: Int, _ milliseconds: Int32
  ) throws(BusError) -> [UInt8] {
    // What came too late is of no use, but until then the buffers are not ours.
    try settle(milliseconds)
    // VIRTIO_BLK_T_IN and a reserved word, both 0, then the sector.
    memory.set(
      [UInt8](repeating: 0, count: 8) + littleEndian(sector, byteCount: 8), in: header)
    memory.set([0xff], in: status)
    let chain = [
      header.segment(isWritable: false), data.segment(isWritable: true, byteCount: byteCount),
      status.segment(isWritable: true),
    ]
    guard try queue.post(chain, cookie: 0) else { throw .noRoom }
    isPending = true
    try queue.publish()
    try settle(milliseconds)
    guard memory.bytes(of: status) == [0] else { throw .refused(.inputOutput) }
    return memory.bytes(of: data, count: byteCount)
  }

  /// Waits until the device is done with the request.
  private func settle(_ milliseconds: Int32) throws(BusError) {
    guard isPending else { return }
    guard try queue.wait(milliseconds: milliseconds) else { throw .timedOut }
    isPending = try queue.reap() == nil
  }
}
