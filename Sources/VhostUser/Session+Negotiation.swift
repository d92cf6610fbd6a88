internal import LinuxSystem

extension Session {
  /// Questions without a payload, which `reply` answers from what is here.
  func receiveQuestion(_ request: Request, _ message: Message) throws(SessionFault) -> Effect {
    try message.expectNoPayload()
    switch request {
    // "should be sent only when VHOST_USER_PROTOCOL_F_MQ is set in queried protocol features":
    // QEMU asks before it has acked any.
    case .getQueueCount where !offeredProtocolFeatures.contains(.multipleQueues):
      throw .notNegotiated(request)
    case .getMemorySlotsMax: try require(.memorySlots, for: request)
    case .getStatus: try require(.status, for: request)
    default: break
    }
    return .none
  }

  /// SET_FEATURES: a part of what was offered. Rings that run keep what they were started with;
  /// front ends with several queue pairs repeat the word for each.
  mutating func setFeatures(_ message: Message) throws(SessionFault) -> Effect {
    let features = try message.number()
    guard features & ~offeredFeatures == 0 else {
      throw .featuresNotOffered(features & ~offeredFeatures)
    }
    let changed = ((ackedFeatures ?? 0) ^ features) & ~VhostFeatures.protocolFeatures
    if changed != 0, let running = queues.indices.first(where: isRunning) {
      throw .queueIsRunning(running)
    }
    ackedFeatures = features
    return .featuresAcked
  }

  mutating func setProtocolFeatures(_ message: Message) throws(SessionFault) -> Effect {
    let features = ProtocolFeatures(rawValue: try message.number())
    let surplus = features.subtracting(offeredProtocolFeatures)
    guard surplus.isEmpty else { throw .protocolFeaturesNotOffered(surplus.rawValue) }
    // "In-band notifications": both others are needed, else "the back-end should close".
    if features.contains(.inBandNotifications),
      !features.isSuperset(of: [.backendChannel, .replyAcknowledge])
    {
      throw .inBandWithoutChannel
    }
    ackedProtocolFeatures = features
    return .none
  }

  mutating func setOwner(_ message: Message) throws(SessionFault) -> Effect {
    try message.expectNoPayload()
    hasOwner = true
    return .none
  }

  /// RESET_OWNER: "either ignore this message, or use it to disable all rings". A front end that
  /// cannot enable them again is not punished.
  mutating func resetOwner(_ message: Message) throws(SessionFault) -> Effect {
    try message.expectNoPayload()
    guard mayEnableQueues else { return .none }
    for index in queues.indices { queues[index].wasEnabled = false }
    return .queuesChanged
  }

  /// SET_BACKEND_REQ_FD, with exactly one descriptor. A later one replaces an earlier one.
  mutating func setBackendChannel(
    _ message: Message, _ descriptorCount: Int
  ) throws(SessionFault) -> Effect {
    try require(.backendChannel, for: .setBackendChannel)
    try message.expectNoPayload()
    guard descriptorCount == 1 else { throw .descriptorCount(descriptorCount, expected: 1) }
    hasBackendChannel = true
    return .backendChannel
  }

  /// Whether BACKEND_CONFIG_CHANGE_MSG may be sent.
  package var mayAnnounceConfiguration: Bool {
    hasBackendChannel && protocolFeatures.contains(.configuration)
  }
}

extension Message {
  func expectNoPayload() throws(SessionFault) {
    guard payload.isEmpty else { throw .payloadSize(code, payload.count) }
  }
}
