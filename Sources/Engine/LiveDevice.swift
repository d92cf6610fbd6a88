internal import EngineLink
internal import Keeper
internal import LinuxSystem
internal import SharedMemory
internal import VhostUser
internal import Virtio

/// A device that a guest can attach to: its model, its queues, and who has it open. That is either a
/// vhost-user front end on the device's own socket, or a native client of the container's bus.
///
/// - `LiveDevice+Connection` accepts a front end, takes up a predecessor's, and lets it go;
/// - `LiveDevice+Messages` serves its messages so that none is lost or answered twice;
/// - `LiveDevice+Effects` does what they say;
/// - `LiveDevice+Client` is opened and closed by a native client;
/// - `LiveDevice+Host` does what its model asks;
/// - `LiveQueue` is one ring.
final class LiveDevice {
  private(set) var offer: DeviceOffer
  let loop: EventLoop
  let keeper: KeeperClient
  let listener: Descriptor
  let record: DeviceRecord
  let model: any DeviceModel
  let memory = GuestMemory()
  /// What the models of the container have in common.
  let commons: Commons
  var onChange: () -> Void = {}

  /// The session with a front end; `nil` while none is attached.
  var attachment: Attachment?
  /// What a native client has open; `nil` while none has.
  var opening: OpenedDevice?
  /// A former life of the device, unplugged since, is still open: this one cannot be opened.
  var isHeld: () -> Bool = { false }
  /// Nobody has it open.
  var isFree: Bool { attachment == nil && opening == nil && !isHeld() }
  /// Called when a native client has closed it.
  var onClose: () -> Void = {}
  var queues: [LiveQueue] = []
  /// Parts that the keeper shall let go once the record no longer tells of them.
  var released: [String] = []
  private var listenerToken: EventLoop.Token?

  /// What belongs to one connection.
  struct Attachment {
    var session: Session
    let connection: Descriptor
    var token: EventLoop.Token?
    /// For messages of our own.
    var channel: Descriptor?
    /// Messages applied so far; the number under which a reply is sent once.
    var messages: UInt64 = 0
    /// Memory files by region.
    var files: [UInt32: Descriptor] = [:]
    /// The feature word the model was told last; `nil` before, and after a reset.
    var negotiated: UInt64?
    /// What the guest wrote into the configuration space, by offset: a model made anew gets it
    /// again. Bounded by the space.
    var configuration: [Int: [UInt8]] = [:]
    /// The configuration space as the guest was last told of it.
    var shownConfiguration: [UInt8]
  }

  /// `descriptors`: the listener, the record, and the host side.
  init(
    _ offer: DeviceOffer, _ descriptors: [Descriptor], on loop: EventLoop,
    keeper: KeeperClient, commons: Commons, makeModel: ModelMaker
  ) throws(ModelRefusal) {
    guard descriptors.count >= 2 else {
      throw ModelRefusal(.invalid, "the device came without its descriptors")
    }
    self.offer = offer
    self.loop = loop
    self.keeper = keeper
    self.commons = commons
    listener = descriptors[0]
    do {
      record = try DeviceRecord(descriptors[1])
      scope = try Self.scope(offer, descriptors)
    } catch {
      throw ModelRefusal(error, "the device's record cannot be mapped: \(error.text)")
    }
    let setup = DeviceSetup(
      values: offer.values, descriptors: Array(descriptors.dropFirst(2)),
      counters: record.counters, offered: offer.offered)
    model = try makeModel(offer.className, setup)
    guard model.nativeQueueCount == record.queueCount else {
      throw ModelRefusal(.invalid, "the record is made for \(record.queueCount) queues")
    }
    for index in 0..<model.nativeQueueCount { queues.append(LiveQueue(index, of: self)) }
  }

  /// What is offered to a guest: no more than the administrator lets, nor than is served.
  var offered: UInt64 { offer.offered & model.features }

  /// Waits for a front end, or goes on where a predecessor may have stopped.
  func begin(mayHavePredecessor: Bool) {
    model.begin(on: self)
    listenerToken = try? loop.watch(listener) { [unowned self] _ in self.connectionWaits() }
    if mayHavePredecessor { takeUp() }
  }

  /// Ends service. The front end sees its connection close, a native client gets ENODEV.
  func end() {
    unplug()
    opening?.revoke()
    model.end()
  }

  /// The device is announced no more. A native client keeps it until it closes it.
  func unplug() {
    detach()
    if let listenerToken { loop.remove(listenerToken) }
    listenerToken = nil
  }

  /// Whether an offer is of this very life of the device, with other values at most.
  func isMeant(by other: DeviceOffer, _ descriptors: [Descriptor]) -> Bool {
    other.className == offer.className && other.offered == offer.offered
      && (try? Self.scope(other, descriptors)) == scope
  }

  /// Attributes changed while the device is live.
  func update(_ changed: DeviceOffer, _ descriptors: [Descriptor]) throws(ModelRefusal) {
    try model.update(changed.values, Array(descriptors.dropFirst(2)))
    offer = changed
    configurationChanged()
  }

  // MARK: Faults

  /// The guest broke a rule on a queue: that queue stops until the guest resets it.
  func fail(_ queue: LiveQueue, _ sentence: String) {
    queue.halt(.faulted)
    record.fault = "queue \(queue.index): \(sentence)"
    if let attachment, attachment.session.failsInBand(queue.index) {
      tellFrontEnd(.failure(queue: queue.index, needsReply: false))
    }
    queue.error?.ring()
    opening?.needsReset()
    updateStates()
  }

  /// The front end broke the protocol: its connection ends.
  func fail(_ fault: SessionFault) {
    switch fault {
    case .ended: break
    default: record.fault = "vhost-user: \(fault.sentence)"
    }
    detach()
  }

  /// Writes down what people and control may see of the device, and says that it changed.
  func updateStates() {
    record.isConnected = attachment != nil || opening != nil
    record.isRunning = queues.contains { $0.isRunning }
    // The protocol's own bit is between it and the front end; no guest ever sees it.
    let acked = attachment?.session.ackedFeatures ?? opening?.acked ?? 0
    record.acked = acked & ~VhostFeatures.protocolFeatures
    onChange()
  }

  // MARK: Names with the keeper

  /// Everything of this device that the keeper holds for the engine is below this name. The
  /// record's number sets apart what another life of the device has left.
  let scope: String

  private static func scope(
    _ offer: DeviceOffer, _ descriptors: [Descriptor]
  ) throws(Errno) -> String {
    guard descriptors.count >= 2 else { throw .invalid }
    return "\(offer.id)/\(try facts(of: descriptors[1]).inode)"
  }

  func name(_ part: String) -> String { "\(scope)/\(part)" }

  func keep(_ descriptor: Descriptor, as part: String) {
    // A keeper that is gone ends this process anyway.
    try? keeper.put(descriptor, as: name(part))
  }

  func letGo(_ part: String) { try? keeper.drop(name(part)) }

  /// Names of what a connection leaves with the keeper.
  enum Part {
    static let connection = "connection"
    static let channel = "channel"
    static let memories = "memory/"
    static func memory(_ id: UInt32) -> String { "\(memories)\(id)" }
    static func bell(_ bell: Effect.Bell, _ queue: Int) -> String { "\(bell.rawValue)/\(queue)" }
  }
}
