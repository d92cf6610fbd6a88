/// The extensions of the protocol that both sides know ("Protocol features").
package struct ProtocolFeatures: OptionSet, Hashable, Sendable {
  package let rawValue: UInt64

  package init(rawValue: UInt64) { self.rawValue = rawValue }

  /// GET_QUEUE_NUM is answered.
  package static let multipleQueues = ProtocolFeatures(rawValue: 1 << 0)
  /// need_reply is honoured.
  package static let replyAcknowledge = ProtocolFeatures(rawValue: 1 << 3)
  /// The back end may send requests of its own.
  package static let backendChannel = ProtocolFeatures(rawValue: 1 << 5)
  /// The back end holds the device's configuration space.
  package static let configuration = ProtocolFeatures(rawValue: 1 << 9)
  package static let resetDevice = ProtocolFeatures(rawValue: 1 << 13)
  /// Kicks and calls may be messages.
  package static let inBandNotifications = ProtocolFeatures(rawValue: 1 << 14)
  /// Memory regions come and go one by one.
  package static let memorySlots = ProtocolFeatures(rawValue: 1 << 15)
  package static let status = ProtocolFeatures(rawValue: 1 << 16)

  /// Everything that `Session` implements.
  package static let implemented: ProtocolFeatures = [
    .multipleQueues, .replyAcknowledge, .backendChannel, .configuration, .resetDevice,
    .inBandNotifications, .memorySlots, .status,
  ]

  /// What is offered unless asked for more: a front end that takes in-band notifications sends one
  /// message for each kick.
  package static let usual = implemented.subtracting(.inBandNotifications)
}

/// The bits of the feature word that the protocol itself looks at.
package enum VhostFeatures {
  /// VHOST_USER_F_PROTOCOL_FEATURES, a bit that no virtio device offers to its driver.
  package static let protocolFeatures: UInt64 = 1 << 30
  /// VIRTIO_F_RING_PACKED (VIRTIO 1.2, 6).
  package static let packedRing: UInt64 = 1 << 34
}
