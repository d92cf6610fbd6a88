internal import LinuxSystem

/// Virtio over vbus: the device calls that every device answers, whatever its interface type. They
/// are to the native connector what registers are to other transports of virtio (VIRTIO 1.2
/// section 4). All numbers are little-endian; the data of a call has exactly the length told here.
package enum VirtioFunction: UInt32, CaseIterable, Sendable {
  /// Out: device id (section 5), number of queues, largest queue, bytes of configuration space; 32
  /// bits each.
  case identify = 0x100
  /// Out: the offered features, 64 bits.
  case getFeatures
  /// In: the features that the driver takes, 64 bits. EINVAL for one that is not offered, EBUSY once
  /// the driver is running.
  case setFeatures
  /// Out: the device status (section 2.1), 32 bits.
  case getStatus
  /// In: the device status, 32 bits. 0 resets the device; DRIVER_OK starts the shared rings.
  case setStatus
  /// In: offset and count, 32 bits each; out: behind them so many bytes of the configuration space.
  /// Together at most `configurationByteCountMax`; EINVAL outside of the space.
  case getConfiguration
  /// In: offset and count, 32 bits each, and so many bytes. EINVAL outside of the space, EROFS where
  /// the space is read-only.
  case setConfiguration

  /// The lowest number. Below are those of the device's own interface.
  package static let first: UInt32 = 0x100

  /// The shared memory that holds only a signal, which the device raises when its configuration
  /// space changes (section 2.5.4). Queues have the ids below.
  package static let configurationShare: UInt32 = 0x100

  /// Bytes of a configuration space that one call carries, and that any device has.
  package static let configurationByteCountMax = 256

  /// The exact length of the call's data; nil where it varies.
  package var byteCount: Int? {
    switch self {
    case .identify: 16
    case .getFeatures, .setFeatures: 8
    case .getStatus, .setStatus: 4
    case .getConfiguration, .setConfiguration: nil
    }
  }
}

/// Bits of the device status (VIRTIO 1.2 section 2.1).
public struct DeviceStatus: OptionSet, Hashable, Sendable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static let acknowledge = DeviceStatus(rawValue: 1)
  public static let driver = DeviceStatus(rawValue: 2)
  public static let driverOK = DeviceStatus(rawValue: 4)
  public static let featuresOK = DeviceStatus(rawValue: 8)
  public static let needsReset = DeviceStatus(rawValue: 64)
  public static let failed = DeviceStatus(rawValue: 128)
}

/// What `VirtioFunction.identify` answers.
public struct VirtioIdentity: Hashable, Sendable {
  /// VIRTIO 1.2 section 5.
  public let deviceID: UInt32
  public let queueCount: UInt32
  /// Entries of the largest ring that the device takes.
  public let queueSizeMax: UInt32
  /// Bytes of the configuration space.
  public let configurationByteCount: UInt32

  package init(
    deviceID: UInt32, queueCount: UInt32, queueSizeMax: UInt32, configurationByteCount: UInt32
  ) {
    self.deviceID = deviceID
    self.queueCount = queueCount
    self.queueSizeMax = queueSizeMax
    self.configurationByteCount = configurationByteCount
  }

  package var bytes: [UInt8] {
    var writer = WireWriter()
    for word in [deviceID, queueCount, queueSizeMax, configurationByteCount] { writer.put(word) }
    return writer.bytes
  }

  /// Nil for what has not exactly 16 bytes.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == 16 else { return nil }
    let fields = Fields(bytes)
    self.init(
      deviceID: fields.word32(0), queueCount: fields.word32(4), queueSizeMax: fields.word32(8),
      configurationByteCount: fields.word32(12))
  }
}
