/// A feature word of a virtio device: the bits that every device class shares (VIRTIO 1.2
/// section 6). A class adds its own in an extension.
public struct FeatureBits: OptionSet, Hashable, Sendable {
  public let rawValue: UInt64

  public init(rawValue: UInt64) { self.rawValue = rawValue }

  public init(bit: Int) { rawValue = 1 << UInt64(bit) }

  /// VIRTIO_F_INDIRECT_DESC: a descriptor may name a table of further descriptors.
  public static let indirectDescriptors = FeatureBits(bit: 28)
  /// VIRTIO_F_EVENT_IDX: each side says at which index it wants to be notified.
  public static let eventIndex = FeatureBits(bit: 29)
  /// VIRTIO_F_VERSION_1: the device and driver follow VIRTIO 1.x.
  public static let version1 = FeatureBits(bit: 32)
  /// VIRTIO_F_ACCESS_PLATFORM.
  public static let accessPlatform = FeatureBits(bit: 33)
  /// VIRTIO_F_RING_PACKED.
  public static let packedRing = FeatureBits(bit: 34)
  /// VIRTIO_F_IN_ORDER: chains are used in the order in which they were offered.
  public static let inOrder = FeatureBits(bit: 35)
  /// VIRTIO_F_ORDER_PLATFORM.
  public static let orderPlatform = FeatureBits(bit: 36)
  /// VIRTIO_F_NOTIFICATION_DATA.
  public static let notificationData = FeatureBits(bit: 38)
  /// VIRTIO_F_RING_RESET.
  public static let ringReset = FeatureBits(bit: 40)

  /// What `SplitRing` serves.
  package static let splitRing: FeatureBits = [.version1, .indirectDescriptors, .eventIndex]
}
