internal import ConfigTree
internal import EngineLink
internal import Keeper
internal import LinuxSystem
internal import Model

/// The engine processes, one for each container with a live device or a native client.
///
/// When a device is stopped, a native client may keep it until it closes it. In the same container
/// the engine refuses others until then. A device is with one engine at a time, though: before it
/// is started in another container it is revoked where it was.
final class Engines {
  let loop: EventLoop
  private let keeper: KeeperClient
  private let program: String
  private(set) var engines: [ObjectID: EngineProcess] = [:]
  /// Where each live device is.
  private var containers: [ObjectID: ObjectID] = [:]
  /// Where each device was that a native client may still have.
  private var formerContainers: [ObjectID: ObjectID] = [:]
  /// The sockets of containers.
  var buses: [ObjectID: ListeningBus] = [:]
  var onDeviceChange: (ObjectID) -> Void = { _ in }
  /// An engine does not take up a device that was live.
  var onDeviceLoss: (ObjectID, HostRefusal) -> Void = { _, _ in }
  var onEngineChange: (ObjectID) -> Void = { _ in }
  /// A native client still has a device that was stopped.
  var onLingering: (ObjectID) -> Void = { _ in }
  /// Who is attached to a container: all connections.
  var onMembers: (ObjectID, [Member]) -> Void = { _, _ in }

  init(on loop: EventLoop, keeper: KeeperClient, program: String) {
    self.loop = loop
    self.keeper = keeper
    self.program = program
  }

  // MARK: Devices

  func start(
    _ device: EngineProcess.Served, _ id: ObjectID, in container: ObjectID,
    then: @escaping (Result<Void, HostRefusal>) -> Void
  ) {
    guard formerContainers[id] != container, let former = formerEngine(of: id) else {
      return begin(device, id, in: container, then: then)
    }
    former.revoke(id) { [self] result in
      if case .failure = result { kill(former) }
      begin(device, id, in: container, then: then)
      retireIfIdle(former)
    }
  }

  private func begin(
    _ device: EngineProcess.Served, _ id: ObjectID, in container: ObjectID,
    then: @escaping (Result<Void, HostRefusal>) -> Void
  ) {
    do throws(Errno) {
      let engine = try engine(of: container)
      containers[id] = container
      engine.start(device, id) { [weak self] result in
        if case .failure = result {
          self?.containers[id] = nil
          self?.retireIfIdle(engine)
        }
        then(result)
      }
    } catch {
      let refusal = HostRefusal(
        errno: error.rawValue, reason: "the engine cannot be started: \(error.text)")
      _ = loop.after(milliseconds: 0) { then(.failure(refusal)) }
    }
  }

  /// Tells an engine the new values of a device that it serves.
  func update(
    _ offer: DeviceOffer, _ host: [Descriptor], _ id: ObjectID,
    then: @escaping (Result<Void, HostRefusal>) -> Void
  ) {
    guard let engine = containers[id].flatMap({ engines[$0] }) else {
      // Its engine had failed: the next one gets the new values.
      _ = loop.after(milliseconds: 0) { then(.success(())) }
      return
    }
    engine.update(offer, host, id, then: then)
  }

  /// Goes on with a device that was live before this process began.
  func adopt(
    _ device: EngineProcess.Served, _ id: ObjectID, in container: ObjectID
  ) throws(Errno) {
    let engine = try engine(of: container)
    containers[id] = container
    engine.adopt(device, id)
  }

  func stop(_ id: ObjectID, then: @escaping () -> Void) {
    guard let container = containers.removeValue(forKey: id), let engine = engines[container]
    else {
      _ = loop.after(milliseconds: 0, handler: then)
      return
    }
    formerContainers[id] = container
    engine.stop(id) { [weak self] result in
      // An engine that does not let go is ended; its successor is not told of the device.
      if case .failure = result { self?.kill(engine) }
      self?.retireIfIdle(engine)
      then()
    }
  }

  /// The host side of a device that is not live closes: no native client keeps it.
  func revoke(_ id: ObjectID) { formerEngine(of: id)?.revoke(id) }

  /// The engine that had a device last, and may have it for a native client still. Answered once.
  private func formerEngine(of id: ObjectID) -> EngineProcess? {
    formerContainers.removeValue(forKey: id).flatMap { engines[$0] }
  }

  private func kill(_ engine: EngineProcess) {
    if let pid = engine.pid { try? send(signal: Signal.kill, to: pid) }
  }

  func record(of id: ObjectID) -> DeviceRecord? {
    containers[id].flatMap { engines[$0]?.served[id]?.record }
  }

  func state(of container: ObjectID) -> EngineState {
    guard let engine = engines[container] else { return EngineState() }
    return EngineState(
      pid: engine.pid, status: engine.pid == nil ? "starting" : "running",
      restarts: engine.restarts)
  }

  // MARK: Processes

  /// The engine of a container, started if there is none.
  func engine(of container: ObjectID) throws(Errno) -> EngineProcess {
    if let engine = engines[container] { return engine }
    let (near, far) = try Channel.pair()
    let engine = try EngineProcess(
      of: container, name: EngineProcess.newName(for: container), channel: near, on: loop)
    try keeper.put(
      [near.descriptor, far.descriptor], as: [engine.nearName, engine.farName])
    try keeper.spawn(engine.name, program, [], scope: engine.scope)
    enroll(engine)
    engine.beginEpoch()
    return engine
  }

  private func enroll(_ engine: EngineProcess) {
    engine.onChange = { [unowned self] in self.onDeviceChange($0) }
    engine.onRefusal = { [unowned self, unowned engine] (id, refusal) in
      self.containers[id] = nil
      self.onDeviceLoss(id, refusal)
      self.retireIfIdle(engine)
    }
    engine.onMembers = { [unowned self, unowned engine] in
      self.onMembers(engine.container, engine.members)
      self.retireIfIdle(engine)
    }
    engine.onLingering = { [unowned self, unowned engine] ids in
      for id in ids {
        self.formerContainers[id] = engine.container
        self.onLingering(id)
      }
    }
    engine.onSettled = { [unowned self, unowned engine] in self.retireIfIdle(engine) }
    engines[engine.container] = engine
    handOver(to: engine)
  }

  /// Takes over the engines that run, with the ends of their channels.
  func adoptProcesses(_ kept: [String: Descriptor]) throws(Errno) {
    for program in try keeper.programs() {
      guard let container = EngineProcess.container(of: program.name) else { continue }
      guard let near = kept["near-" + program.name], engines[container] == nil else {
        try keeper.end(program.name)
        continue
      }
      let engine = try EngineProcess(
        of: container, name: program.name, channel: Channel(near), on: loop)
      engine.pid = program.pid
      engine.restarts = program.restarts
      enroll(engine)
    }
  }

  /// Tells every engine its full state. One that has nothing to do is ended once it has said who
  /// is attached.
  func beginEpochs() { for engine in engines.values { engine.beginEpoch() } }

  /// The keeper's news of a program.
  func noteProgram(_ program: KeeperClient.Program) {
    guard let engine = engines.values.first(where: { $0.name == program.name }) else { return }
    let isAnother = program.pid != nil && program.pid != engine.pid
    let isFirst = engine.pid == nil && program.restarts == 0
    engine.pid = program.pid
    engine.restarts = program.restarts
    if isAnother, !isFirst { engine.beginEpoch() }
    onEngineChange(engine.container)
  }

  /// Ends an engine that has nothing to do. It is asked first: a client may just have come.
  func retireIfIdle(_ engine: EngineProcess) {
    guard engines[engine.container] === engine, !engine.hasDevices else { return }
    if engine.isAbandoned { return end(engine) }
    guard engine.isIdle else { return }
    engine.retire { [weak self, weak engine] in
      guard let engine else { return }
      if engine.isIdle { self?.end(engine) } else { engine.beginEpoch() }
    }
  }

  /// Ends an engine, and with it every connection of a native client.
  private func end(_ engine: EngineProcess) {
    guard engines[engine.container] === engine else { return }
    engines[engine.container] = nil
    for (id, container) in formerContainers where container == engine.container {
      formerContainers[id] = nil
    }
    engine.close()
    // A keeper that is gone ends everything anyway.
    try? keeper.end(engine.name)
    try? keeper.drop(engine.scope)
    try? keeper.drop(engine.nearName)
    onMembers(engine.container, [])
    onEngineChange(engine.container)
    listen(engine.container)
  }
}
