/// One connection of a front end to one device: what was negotiated, and what it may say next.
///
/// A value without input or output. An engine gives it each message, does what the `Effect` says,
/// saves `lines`, and sends the reply:
///
///     do {
///       let effect = try session.receive(message, descriptorCount: descriptors.count)
///       let outcome = carryOut(effect, descriptors)
///       answer = try session.reply(to: message, outcome)
///     } catch {
///       guard let refusal = session.refusal(of: message, for: error) else { return close(error) }
///       answer = refusal
///     }
///
/// A message that is refused changes nothing. Receiving the same message twice in a row leaves the
/// session as receiving it once, so an engine that dies between saving and consuming does no harm.
package struct Session: Sendable, Equatable {
  /// What the device offers, with the protocol's own bit.
  package let offeredFeatures: UInt64
  package let offeredProtocolFeatures: ProtocolFeatures
  /// The largest ring the device takes.
  package let queueSizeMax: UInt16
  /// What GET_QUEUE_NUM answers: network front ends count pairs of queues.
  package let queueNumber: Int

  /// `nil` until SET_FEATURES.
  package internal(set) var ackedFeatures: UInt64?
  /// `nil` until SET_PROTOCOL_FEATURES.
  package internal(set) var ackedProtocolFeatures: ProtocolFeatures?
  package internal(set) var hasOwner = false
  /// The driver's status byte (VIRTIO 1.2, 2.1), when the front end tells it.
  package internal(set) var status: UInt8 = 0
  package internal(set) var hasBackendChannel = false
  package internal(set) var regions: [Region] = []
  package internal(set) var queues: [Vring]
  /// The id of the next region.
  var nextRegionID: UInt32 = 0
  /// The region removed last: removing it a second time is no fault, for the message may be the
  /// same one, received again by an engine that started in between.
  var lastRemoved: Region?

  /// - Parameters:
  ///   - features: what the device offers, already masked; the protocol's bit is added here.
  ///   - queueCount: 1 to 256.
  ///   - queueNumber: when GET_QUEUE_NUM shall answer another number.
  package init(
    features: UInt64, queueCount: Int, queueNumber: Int? = nil, queueSizeMax: UInt16 = 1024,
    protocolFeatures: ProtocolFeatures = .implemented
  ) {
    precondition((1...Limits.queueCountMax).contains(queueCount))
    precondition((1...Limits.queueSizeMax).contains(queueSizeMax))
    offeredFeatures = features | VhostFeatures.protocolFeatures
    offeredProtocolFeatures = protocolFeatures.intersection(.implemented)
    self.queueSizeMax = queueSizeMax
    self.queueNumber = queueNumber ?? queueCount
    queues = Array(repeating: Vring(), count: queueCount)
  }

  /// Checks one message and takes over what it says.
  ///
  /// On a fault nothing has changed; `refusal(of:for:)` tells whether the connection goes on.
  package mutating func receive(
    _ message: Message, descriptorCount: Int
  ) throws(SessionFault) -> Effect {
    guard !message.flags.contains(.reply) else { throw .unexpectedReply }
    guard let request = message.request else { throw .unknownRequest(message.code) }
    switch request {
    case .setMemoryTable, .addMemoryRegion, .removeMemoryRegion:
      return try receiveMemory(request, message, descriptorCount)
    case .setVringKick, .setVringCall, .setVringError:
      return try receiveDoorbell(request, message, descriptorCount)
    case .setBackendChannel:
      return try setBackendChannel(message, descriptorCount)
    default:
      guard descriptorCount == 0 else { throw .descriptorCount(descriptorCount, expected: 0) }
      return try receiveWithoutDescriptors(request, message)
    }
  }

  private mutating func receiveWithoutDescriptors(
    _ request: Request, _ message: Message
  ) throws(SessionFault) -> Effect {
    switch request {
    case .getFeatures, .getProtocolFeatures, .getQueueCount, .getMemorySlotsMax, .getStatus:
      return try receiveQuestion(request, message)
    case .setFeatures: return try setFeatures(message)
    case .setProtocolFeatures: return try setProtocolFeatures(message)
    case .setOwner: return try setOwner(message)
    case .resetOwner: return try resetOwner(message)
    case .setVringSize: return try setVringSize(message)
    case .setVringAddresses: return try setVringAddresses(message)
    case .setVringBase: return try setVringBase(message)
    case .getVringBase: return try getVringBase(message)
    case .setVringEnabled: return try setVringEnabled(message)
    case .vringKick: return try receiveKick(message)
    case .getConfiguration: return try getConfiguration(message)
    case .setConfiguration: return try setConfiguration(message)
    case .setStatus: return try setStatus(message)
    case .resetDevice: return try resetDevice(message)
    default: throw .unsupported(request)
    }
  }

  /// What was agreed on; nothing before SET_PROTOCOL_FEATURES.
  package var protocolFeatures: ProtocolFeatures { ackedProtocolFeatures ?? [] }

  func require(_ feature: ProtocolFeatures, for request: Request) throws(SessionFault) {
    guard protocolFeatures.contains(feature) else { throw .notNegotiated(request) }
  }
}
