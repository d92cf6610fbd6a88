internal import ConfigTree
internal import Devices
internal import EngineLink
internal import FuseMount
internal import LinuxSystem
internal import Model
internal import Store

/// What the tree asks of the world.
extension Control: World {
  func commit(
    _ changes: [Change], answering request: Request?, with answer: Answer
  ) throws(TreeError) {
    // The kernel's requests lie in slots, in which a successor finds them; a session's do not.
    let answered = request.flatMap { request in
      request.session == nil
        ? AnsweredRequest(slot: request.slot, unique: request.unique) : nil
    }
    let stored: StoredAnswer
    if case .entry(let node) = answer { stored = .entry(node.rawValue) } else { stored = .done }
    do throws(StoreError) {
      try store.commit(changes, answering: answered, with: stored)
    } catch { throw TreeError(error.isFull ? .noSpace : .inputOutput) }
  }

  /// The answer of a request that a predecessor committed and perhaps did not send.
  func recall(_ request: Request) -> Answer? {
    let answered = AnsweredRequest(slot: request.slot, unique: request.unique)
    switch try? store.answer(to: answered) {
    case .done: return .done
    case .entry(let node): return .entry(NodeID(rawValue: node))
    case nil: return nil
    }
  }

  // MARK: Host sides

  func openHost(
    _ device: Device, then: @escaping (Result<HostSide, HostRefusal>) -> Void
  ) {
    open(device, isAdjustment: false) { [unowned self] result in
      then(result.map { self.keep($0, of: device.id) })
    }
  }

  /// What names nothing of the host is made here, at once. All else a helper process opens.
  private func open(_ device: Device, isAdjustment: Bool, answer: @escaping Helpers.Answer) {
    let kind = device.className.flatMap(deviceKind)
    let values = kind?.table.values(of: device) ?? [:]
    let open = hosts[device.id] ?? []
    guard let kind, !kind.namesHost(values) else {
      let request = hostRequest(for: device, kind, values, isAdjustment: isAdjustment)
      return helpers.open(request, open, answer: answer)
    }
    let wish = HostWish(values, forbiddenFileSystem: ownFileSystem, open: open)
    let result: Result<HostOpening, HostRefusal>
    do throws(HostRefusal) {
      result = .success(
        isAdjustment ? HostOpening(facts: try kind.adjustHost(wish)) : try kind.openHost(wish))
    } catch { result = .failure(error) }
    loop.soon { answer(result) }
  }

  private func hostRequest(
    for device: Device, _ kind: DeviceKind?, _ values: [String: String], isAdjustment: Bool
  ) -> HostRequest {
    let writer = kind.flatMap { device.values[$0.rightsAttribute(values)]?.writer }
    let others = Set((kind?.hostAttributes(values) ?? []).compactMap { device.values[$0]?.writer })
    return HostRequest(
      className: device.className ?? "", values: values,
      rights: writer
        ?? Credentials(uid: device.owner.uid, gid: device.owner.gid, groups: []),
      otherRights: others.filter { $0 != writer },
      forbiddenFileSystem: ownFileSystem,
      isAdjustment: isAdjustment)
  }

  private func keep(_ opening: HostOpening, of id: ObjectID) -> HostSide {
    // Each takes the place of the one before, so that what is the same never lies with nobody.
    try? keeper.put(
      opening.descriptors, as: opening.descriptors.indices.map { Kept.hostFile(id, $0) })
    for index in opening.descriptors
      .count..<max(
        opening.descriptors.count, hosts[id]?.count ?? 0)
    {
      try? keeper.drop(Kept.hostFile(id, index))
    }
    hosts[id] = opening.descriptors
    return HostSide(facts: opening.facts)
  }

  func adjustHost(
    _ device: Device, then: @escaping (Result<HostSide, HostRefusal>) -> Void
  ) {
    open(device, isAdjustment: true) { result in
      then(result.map { HostSide(facts: $0.facts) })
    }
  }

  func closeHost(_ device: ObjectID) {
    hosts[device] = nil
    try? keeper.drop(Kept.host(device))
    engines.revoke(device)
  }

  // MARK: Live devices

  func start(
    _ device: Device, in container: Container, as devID: DevID,
    then: @escaping (Result<Void, HostRefusal>) -> Void
  ) {
    do throws(Errno) {
      let served = try prepare(device, as: devID)
      engines.start(served, device.id, in: container.id) { [unowned self] result in
        if case .failure = result { self.forgetLive(device) }
        then(result)
      }
    } catch {
      forgetLive(device)
      let refusal = HostRefusal(
        errno: error.rawValue, reason: "the device cannot be made live: \(error.text)")
      _ = loop.after(milliseconds: 0) { then(.failure(refusal)) }
    }
  }

  func update(_ device: Device, then: @escaping (Result<Void, HostRefusal>) -> Void) {
    let devID = tree.placement(of: device)?.devID ?? DevID(rawValue: 0)
    engines.update(offer(of: device, as: devID), hosts[device.id] ?? [], device.id, then: then)
  }

  func stop(_ device: ObjectID, then: @escaping () -> Void) {
    if let device = tree.model.devices[device] { forgetLive(device) }
    engines.stop(device, then: then)
  }

  func ownerChanged(_ device: Device) {
    let path = socketPath(of: device)
    try? setOwner(path, uid: device.owner.uid, gid: device.owner.gid)
    try? setPermissions(path, socketMode(of: device))
  }

  /// Makes the listener and the record of a device that becomes live.
  private func prepare(_ device: Device, as devID: DevID) throws(Errno) -> EngineProcess.Served {
    let offer = offer(of: device, as: devID)
    let queueCount =
      device.className.flatMap(deviceKind)?.table.nativeQueueCount(offer.values) ?? 1
    let record = try DeviceRecord.make(queueCount: queueCount)
    let listener = try listen(
      at: socketPath(of: device), permissions: socketMode(of: device), uid: device.owner.uid,
      gid: device.owner.gid)
    try keeper.put(
      [record.file, listener], as: [Kept.record(device.id), Kept.listener(device.id)])
    return EngineProcess.Served(
      offer: offer, descriptors: [listener, record.file] + (hosts[device.id] ?? []),
      record: record)
  }

  func offer(of device: Device, as devID: DevID) -> DeviceOffer {
    let table = device.className.flatMap(deviceKind)?.table
    return DeviceOffer(
      id: device.id.rawValue, className: device.className ?? "",
      values: tree.resolvedValues(of: device), offered: tree.offeredFeatures(of: device),
      devID: devID.rawValue, interfaceType: table?.interfaceType ?? "",
      virtioID: table?.virtioID ?? 0)
  }

  func forgetLive(_ device: Device) {
    try? unlink(socketPath(of: device))
    try? keeper.drop(Kept.live(device.id))
  }

  private func socketPath(of device: Device) -> String {
    places.sockets + "/" + device.name.text
  }

  /// The directory's mode without what makes it a directory: who may write it may attach.
  private func socketMode(of device: Device) -> UInt32 { device.owner.permissions & 0o666 }

  // MARK: What is known

  func liveState(of device: ObjectID) -> LiveState? {
    guard let record = engines.record(of: device) else { return nil }
    let kind = tree.model.devices[device]?.className.flatMap(deviceKind)
    return LiveState(record, counterCount: kind?.table.counters.count ?? 0)
  }

  func engineState(of container: ObjectID) -> EngineState { engines.state(of: container) }

  var socketDirectory: String { places.sockets }
  var containerSocketDirectory: String { places.buses }
  var sessionSocket: String { places.session }
  var mountPoint: String { places.mountPoint }
  var now: UInt64 { realtimeNanoseconds() }

  func isEnding(callerOf request: Request) -> Bool {
    let status = ProcessStatus(request.pid)
    let masks = ["SigPnd:", "ShdPnd:"].map { name in
      status.words(name).first.flatMap { UInt64($0, radix: 16) }
    }
    guard let own = masks[0], let shared = masks[1] else { return true }
    // What ends a process that does not handle it shows as SIGKILL, so this names the others by
    // which people and programs end a wait.
    let ending = [
      Signal.hangUp, Signal.interrupt, Signal.quit, Signal.kill, Signal.alarm, Signal.terminate,
    ]
    return ending.contains { (own | shared) >> UInt64($0 - 1) & 1 != 0 }
  }

  func groups(of request: Request) -> [UInt32] {
    if let session = request.session { return sessions.groups(of: session) }
    let status = ProcessStatus(request.pid)
    func numbers(_ name: String) -> [UInt32] { status.words(name).compactMap { UInt32($0) } }
    // Whoever asked may have been killed, and its number be another process's by now. The fourth
    // number is the one that files are opened with (proc(5)).
    guard numbers("Uid:").last == request.uid, numbers("Gid:").last == request.gid else {
      return []
    }
    return numbers("Groups:")
  }

  func finish(_ request: Request, _ result: Result<Answer, TreeError>) {
    if request.session != nil { return sessions.finish(request, result) }
    mount?.finish(request, result)
  }

  func changed(_ node: NodeID) { mount?.wake(node) }

  func ended(_ nodes: ClosedRange<NodeID>) { mount?.wake(nodes) }
}

extension LiveState {
  /// What an engine wrote down, checked as far as it is used.
  fileprivate init(_ record: DeviceRecord, counterCount: Int) {
    self.init(
      isConnected: record.isConnected, isRunning: record.isRunning, acked: record.acked,
      fault: record.fault, hostFailure: record.hostFailure,
      queues: (0..<record.queueCount).map { QueueState(record.queue($0)) },
      counters: (0..<min(counterCount, DeviceRecord.countersMax)).map {
        record.counters.relaxed64(at: 8 * $0)
      })
  }
}

extension QueueState {
  fileprivate init(_ queue: QueueRecord) {
    let state: State =
      switch queue.state {
      case .stopped: .stopped
      case .running: .running
      case .faulted: .faulted
      }
    self.init(
      size: queue.size, state: state, availableIndex: queue.availableIndex,
      usedIndex: queue.usedIndex, kicks: queue.kicks, interrupts: queue.interrupts)
  }
}
