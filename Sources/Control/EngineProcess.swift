internal import ConfigTree
internal import EngineLink
internal import Keeper
internal import LinuxSystem
internal import Model

/// Control's side of one container's engine: what it shall serve, and what it says.
///
/// The channel's both ends lie with the keeper, so neither process's death closes it. Whenever one
/// side is new, control begins an epoch: it says hello and tells the full state.
final class EngineProcess {
  /// A device that the engine shall serve.
  struct Served {
    let offer: DeviceOffer
    let descriptors: [Descriptor]
    let record: DeviceRecord
  }

  /// Waits for one word of the engine, within a deadline.
  struct Waiting {
    let deadline: EventLoop.Token
    let then: (Result<Void, HostRefusal>) -> Void
  }

  /// What native clients attach to: the container's socket, and who may.
  struct Bus {
    let listener: Descriptor
    var offer: ContainerOffer
  }

  let container: ObjectID
  /// What the keeper calls the program.
  let name: String
  private let loop: EventLoop
  private(set) var link: Link?
  private var epoch: UInt64 = 0
  private(set) var served: [ObjectID: Served] = [:]
  private var starting: [ObjectID: Waiting] = [:]
  /// What the engine had of devices that are being updated.
  private var former: [ObjectID: Served] = [:]
  private var stopping: [ObjectID: Waiting] = [:]
  private var retiring: Waiting?
  /// All connections of native clients.
  private(set) var members: [Member] = []
  /// Devices that were stopped and that a native client still has, as a new control has to know.
  var onLingering: ([ObjectID]) -> Void = { _ in }
  /// `nil` when the container has no socket.
  private var bus: Bus?
  /// Somebody has connected, and the engine is not to go before it has looked.
  var isAwaited = false
  /// Its container is gone.
  var isAbandoned = false
  var pid: Int32?
  var restarts: UInt64 = 0
  var onChange: (ObjectID) -> Void = { _ in }
  var onRefusal: (ObjectID, HostRefusal) -> Void = { _, _ in }
  /// Who is attached changed.
  var onMembers: () -> Void = {}
  /// All that it was told is done.
  var onSettled: () -> Void = {}

  /// How long an engine may take to answer.
  static let deadlineMilliseconds: UInt64 = 3000

  init(
    of container: ObjectID, name: String, channel: Channel, on loop: EventLoop
  ) throws(Errno) {
    self.container = container
    self.name = name
    self.loop = loop
    link = try Link(
      channel, on: loop, onPacket: { [weak self] in self?.hear($0) }, onEnd: {})
  }

  // MARK: Names with the keeper

  /// A new program's name. The time keeps it apart from one that is just ending.
  static func newName(for container: ObjectID) -> String {
    "engine/\(container.rawValue).\(monotonicNanoseconds())"
  }

  /// The container of a program, from its name.
  static func container(of name: String) -> ObjectID? {
    let digits = name.dropFirst("engine/".count).prefix { $0 != "." }
    return UInt64(digits).map { ObjectID(rawValue: $0) }
  }

  /// What the keeper puts before the names that the engine uses.
  var scope: String { "of-\(name)/" }
  /// Control's end of the channel.
  var nearName: String { "near-\(name)" }
  /// The engine's end, in its scope.
  var farName: String { scope + "link" }

  // MARK: Devices

  /// One side of the channel is new: tells the full state. It takes back a wish to retire, too.
  func beginEpoch() {
    cancelRetirement()
    epoch = monotonicNanoseconds()
    tell(.hello(epoch: epoch))
    if let bus { tell(bus) }
    for device in served.values.sorted(by: { $0.offer.id < $1.offer.id }) { offer(device) }
    tell(.complete(epoch: epoch))
  }

  /// Takes a device over that the engine serves already, or shall serve from the next epoch on.
  func adopt(_ device: Served, _ id: ObjectID) { served[id] = device }

  func start(
    _ device: Served, _ id: ObjectID, then: @escaping (Result<Void, HostRefusal>) -> Void
  ) {
    served[id] = device
    let deadline = loop.after(milliseconds: Self.deadlineMilliseconds) { [weak self] in
      self?.served[id] = nil
      self?.tell(.stop(id: id.rawValue))
      self?.started(id, .failure(Self.silence))
    }
    starting[id] = Waiting(deadline: deadline, then: then)
    // One that was asked to retire may have done so: it has to be told everything anew.
    if retiring == nil { offer(device) } else { beginEpoch() }
  }

  /// Gives a device that is served other values. After a failure it has the old ones.
  func update(
    _ offer: DeviceOffer, _ host: [Descriptor], _ id: ObjectID,
    then: @escaping (Result<Void, HostRefusal>) -> Void
  ) {
    guard let old = served[id] else {
      _ = loop.after(milliseconds: 0) { then(.success(())) }
      return
    }
    let new = Served(
      offer: offer, descriptors: Array(old.descriptors.prefix(2)) + host, record: old.record)
    former[id] = old
    served[id] = new
    let deadline = loop.after(milliseconds: Self.deadlineMilliseconds) { [weak self] in
      self?.goBack(id)
      self?.offer(old)
      self?.started(id, .failure(Self.silence))
    }
    starting[id] = Waiting(deadline: deadline, then: then)
    self.offer(new)
  }

  private static let silence = HostRefusal(
    errno: Errno.timedOut.rawValue, reason: "the engine did not answer within 3 seconds",
    accepted: "an engine that runs; see engine/ of the container")

  /// The old values of a device are in force again; `false` when it was not being updated.
  @discardableResult
  private func goBack(_ id: ObjectID) -> Bool {
    guard let old = former.removeValue(forKey: id) else { return false }
    served[id] = old
    return true
  }

  /// `then` gets a failure when the engine did not answer in time.
  func stop(_ id: ObjectID, then: @escaping (Result<Void, HostRefusal>) -> Void) {
    served[id] = nil
    former[id] = nil
    let deadline = loop.after(milliseconds: Self.deadlineMilliseconds) { [weak self] in
      self?.stopped(
        id, .failure(HostRefusal(errno: Errno.timedOut.rawValue, reason: "no answer")))
    }
    stopping[id] = Waiting(deadline: deadline, then: then)
    tell(.stop(id: id.rawValue))
  }

  /// Takes a device from a native client that kept it when it was stopped. `then` is called when
  /// nobody has it any more, and gets a failure when the engine did not say so in time.
  func revoke(_ id: ObjectID, then: @escaping (Result<Void, HostRefusal>) -> Void) {
    tell(.revoke(id: id.rawValue))
    // Nothing answers that, but what is told comes in order.
    stop(id, then: then)
  }

  /// The same where nobody waits for it.
  func revoke(_ id: ObjectID) { tell(.revoke(id: id.rawValue)) }

  // MARK: Native clients

  /// Tells of the container's socket, in this epoch and in all to come.
  func attend(_ bus: Bus) {
    self.bus = bus
    tell(bus)
  }

  private func tell(_ bus: Bus) {
    link?.send(Packet(ControlMessage.container(bus.offer).bytes, [bus.listener]))
  }

  private func offer(_ device: Served) {
    link?.send(Packet(ControlMessage.device(device.offer).bytes, device.descriptors))
  }

  private func tell(_ message: ControlMessage) { link?.send(Packet(message.bytes)) }

  private func hear(_ packet: Packet) {
    guard let message = EngineMessage(packet.bytes) else { return }
    switch message {
    case .started(let id, let epoch) where epoch == self.epoch:
      former[ObjectID(rawValue: id)] = nil
      started(ObjectID(rawValue: id), .success(()))
    case .refused(let id, let epoch, let errno, let reason) where epoch == self.epoch:
      let id = ObjectID(rawValue: id)
      let refusal = HostRefusal(errno: errno, reason: reason)
      if !goBack(id) { served[id] = nil }
      // Of a device that was live before, nobody waits to hear.
      guard starting[id] == nil else { return started(id, .failure(refusal)) }
      tell(.stop(id: id.rawValue))
      onRefusal(id, refusal)
    case .stopped(let id, let epoch) where epoch == self.epoch:
      stopped(ObjectID(rawValue: id), .success(()))
    case .settled(let epoch) where epoch == self.epoch:
      for id in stopping.keys where served[id] == nil { stopped(id, .success(())) }
      onSettled()
    case .changed(let id): onChange(ObjectID(rawValue: id))
    case .members(let members): attached(members)
    case .lingering(let ids): onLingering(ids.map { ObjectID(rawValue: $0) })
    case .retired(let epoch) where epoch == self.epoch:
      // It lets nobody in; when that is not wanted any more, a new epoch takes it back.
      if retiring == nil { beginEpoch() } else { finish(retiring.take(), .success(())) }
    // Of an epoch that is over.
    case .started, .refused, .stopped, .settled, .retired: break
    }
  }

  private func attached(_ members: [Member]) {
    self.members = members
    if !members.isEmpty {
      isAwaited = false
      cancelRetirement()
    }
    onMembers()
  }

  private func started(_ id: ObjectID, _ result: Result<Void, HostRefusal>) {
    finish(starting.removeValue(forKey: id), result)
  }

  private func stopped(_ id: ObjectID, _ result: Result<Void, HostRefusal>) {
    finish(stopping.removeValue(forKey: id), result)
  }

  private func finish(_ waiting: Waiting?, _ result: Result<Void, HostRefusal>) {
    guard let waiting else { return }
    loop.remove(waiting.deadline)
    waiting.then(result)
  }

  // MARK: Ending

  /// Something is served, started or stopped.
  var hasDevices: Bool { !(served.isEmpty && starting.isEmpty && stopping.isEmpty) }

  /// It has no devices, nobody is attached, and nobody waits to be.
  var isIdle: Bool { !hasDevices && members.isEmpty && !isAwaited }

  /// Asks an idle engine to let nobody in any more. `then` is called when it does, or has not
  /// answered in time; it is not called when something comes up instead: a device to serve, a
  /// client that was quicker, or an epoch.
  func retire(then: @escaping () -> Void) {
    guard retiring == nil else { return }
    let deadline = loop.after(milliseconds: Self.deadlineMilliseconds) { [weak self] in
      self?.retiring = nil
      then()
    }
    retiring = Waiting(deadline: deadline) { _ in then() }
    tell(.retire(epoch: epoch))
  }

  private func cancelRetirement() {
    if let retiring { loop.remove(retiring.deadline) }
    retiring = nil
  }

  func close() {
    cancelRetirement()
    link?.close()
    link = nil
  }
}
