internal import ConfigTree
internal import EngineLink
internal import Keeper
internal import LinuxSystem
internal import Model

/// The engine processes, one for each container with a live device.
final class Engines {
  private let loop: EventLoop
  private let keeper: KeeperClient
  private let program: String
  private var engines: [ObjectID: EngineProcess] = [:]
  /// Where each live device is.
  private var containers: [ObjectID: ObjectID] = [:]
  var onDeviceChange: (ObjectID) -> Void = { _ in }
  /// An engine does not take up a device that was live.
  var onDeviceLoss: (ObjectID, HostRefusal) -> Void = { _, _ in }
  var onEngineChange: (ObjectID) -> Void = { _ in }

  init(on loop: EventLoop, keeper: KeeperClient, program: String) {
    self.loop = loop
    self.keeper = keeper
    self.program = program
  }

  // MARK: Devices

  func start(
    _ device: EngineProcess.Served, _ id: ObjectID, in container: ObjectID,
    then: @escaping (Result<Void, HostRefusal>) -> Void
  ) throws(Errno) {
    let engine = try engine(of: container)
    containers[id] = container
    engine.start(device, id) { [weak self] result in
      if case .failure = result {
        self?.containers[id] = nil
        self?.endIfIdle(engine)
      }
      then(result)
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
    engine.stop(id) { [weak self] result in
      // An engine that does not let go is ended; its successor is not told of the device.
      if case .failure = result, let pid = engine.pid {
        try? send(signal: Signal.kill, to: pid)
      }
      self?.endIfIdle(engine)
      then()
    }
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

  private func engine(of container: ObjectID) throws(Errno) -> EngineProcess {
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
      self.endIfIdle(engine)
    }
    engines[engine.container] = engine
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

  /// Tells every engine its full state; one that has nothing to do is ended.
  func beginEpochs() {
    for engine in engines.values {
      engine.beginEpoch()
      endIfIdle(engine)
    }
  }

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

  private func endIfIdle(_ engine: EngineProcess) {
    guard engine.isIdle, engines[engine.container] === engine else { return }
    engines[engine.container] = nil
    engine.close()
    // A keeper that is gone ends everything anyway.
    try? keeper.end(engine.name)
    try? keeper.drop(engine.scope)
    try? keeper.drop(engine.nearName)
    onEngineChange(engine.container)
  }
}
