internal import LinuxSystem
public import VbusLink
public import Virtio

/// A device as a virtio driver sees it (VIRTIO 1.2 section 3), over the calls that every device of
/// a bus answers.
///
///     let device = try VirtioDevice(client.open(id))
///     let features = try device.negotiate([.version1])
///     let queue = try device.makeQueue(0, .virtqueue(64, features: features), in: memory)
///     try device.start()
public final class VirtioDevice {
  /// The device as any other one.
  public let connection: DeviceConnection
  /// What it says it is.
  public let identity: VirtioIdentity
  /// Those that were negotiated.
  public private(set) var features: FeatureBits = []

  /// Asks the device who it is. It is not touched otherwise.
  public init(_ connection: DeviceConnection) throws(BusError) {
    self.connection = connection
    let bytes = try connection.call(
      VirtioFunction.identify.rawValue, [UInt8](repeating: 0, count: 16))
    guard let identity = VirtioIdentity(bytes) else { throw .nonsense(.malformedAnswer) }
    self.identity = identity
  }

  /// What the device offers.
  public func offered() throws(BusError) -> FeatureBits {
    FeatureBits(rawValue: try number(.getFeatures, byteCount: 8))
  }

  /// Resets the device, takes of the features those that are offered, and answers them. ENOTSUP
  /// when the device does not agree (section 3.1.1).
  @discardableResult
  public func negotiate(_ wanted: FeatureBits) throws(BusError) -> FeatureBits {
    try setStatus([])
    try setStatus([.acknowledge, .driver])
    features = try offered().intersection(wanted)
    try set(.setFeatures, features.rawValue, byteCount: 8)
    try setStatus([.acknowledge, .driver, .featuresOK])
    guard try status().contains(.featuresOK) else {
      try setStatus([.failed])
      throw .refused(.notSupported)
    }
    return features
  }

  /// Lets the device begin: its queues are in place.
  public func start() throws(BusError) {
    try setStatus([.acknowledge, .driver, .featuresOK, .driverOK])
  }

  /// Stops the device. Its queues stay shared; `restart` each before `start`.
  public func reset() throws(BusError) { try setStatus([]) }

  /// The device status (section 2.1).
  public func status() throws(BusError) -> DeviceStatus {
    DeviceStatus(rawValue: UInt32(truncatingIfNeeded: try number(.getStatus, byteCount: 4)))
  }

  /// Writes the device status. `negotiate`, `start` and `reset` do so for a driver.
  public func setStatus(_ status: DeviceStatus) throws(BusError) {
    try set(.setStatus, UInt64(status.rawValue), byteCount: 4)
  }

  /// Makes a queue; see `DeviceConnection.makeQueue`.
  public func makeQueue(
    _ index: UInt32, _ shape: QueueShape, in memory: ClientMemory
  ) throws(BusError) -> ClientQueue {
    try connection.makeQueue(index, shape, in: memory)
  }
}

// MARK: - Configuration space

extension VirtioDevice {
  /// Bytes of the configuration space (section 2.5); EINVAL outside of it. More than one call
  /// carries is refused as well.
  public func configuration(offset: UInt32, count: Int) throws(BusError) -> [UInt8] {
    guard count > 0, count <= VirtioFunction.configurationByteCountMax else {
      throw .refused(.invalid)
    }
    let answer = try connection.call(
      VirtioFunction.getConfiguration.rawValue,
      place(offset, count) + [UInt8](repeating: 0, count: count))
    return Array(answer.dropFirst(8))
  }

  /// Writes to the configuration space. EROFS where it is read-only.
  public func setConfiguration(offset: UInt32, _ bytes: [UInt8]) throws(BusError) {
    guard !bytes.isEmpty, bytes.count <= VirtioFunction.configurationByteCountMax else {
      throw .refused(.invalid)
    }
    _ = try connection.call(
      VirtioFunction.setConfiguration.rawValue, place(offset, bytes.count) + bytes)
  }

  private func place(_ offset: UInt32, _ count: Int) -> [UInt8] {
    var writer = WireWriter()
    writer.put(offset)
    writer.put(UInt32(count))
    return writer.bytes
  }

  private func number(
    _ function: VirtioFunction, byteCount: Int
  ) throws(BusError) -> UInt64 {
    littleEndian(
      try connection.call(function.rawValue, [UInt8](repeating: 0, count: byteCount)))
  }

  private func set(
    _ function: VirtioFunction, _ value: UInt64, byteCount: Int
  ) throws(BusError) {
    _ = try connection.call(function.rawValue, littleEndian(value, byteCount: byteCount))
  }
}
