package import FuseMount
internal import Model

extension ConfigTree {
  package func makeLink(
    _ name: [UInt8], in parent: NodeID, to target: [UInt8], _ request: Request
  ) throws(TreeError) -> Answer {
    let directory = try resolve(parent)
    let found = Result { () throws(Refusal) in try linked(target) }
    if let device = try? found.get(), isBusy(device.id) {
      return wait(for: device.id, request) { () throws(TreeError) in
        try self.makeLink(name, in: parent, to: target, request)
      }
    }
    let attempt = Attempt(request, at: parent, name: name, value: target)
    return try operate(attempt) { () throws(Refusal) in
      guard case .container(let id, .devices) = directory, let container = model.containers[id]
      else { throw .notMadeHere }
      let name = try Name(name)
      guard model.plug(linked: name, in: id) == nil else { throw .nameTaken }
      let device = try found.get()
      // The kernel has asked for the right to the container's directory only.
      guard mayWrite(device, request) else { throw .linkTargetOfOther }
      guard device.className != nil else { throw .linkTargetUntyped }
      if let plug = model.plug(of: device.id) {
        return try makeSpare(name, in: id, besides: plug, request)
      }
      return try plugIn(device, container, name, attempt)
    }
  }

  /// The device that the text of a link leads to.
  private func linked(_ target: [UInt8]) throws(Refusal) -> Device {
    let device: Device? =
      switch LinkTarget(target, mountPoint: world.mountPoint) {
      case .outside: throw .linkTargetOutside
      case .other: throw .linkTargetNoDevice
      case .device(let name): model.device(named: name)
      case .plug(let link, let container):
        model.container(named: container)
          .flatMap { model.plug(linked: link, in: $0.id) }
          .flatMap { model.devices[$0.device] }
      }
    guard let device else { throw .linkTargetMissing }
    return device
  }

  /// A second link to a device of this container is taken only under such a name as ln(1) uses
  /// for the moment before it renames it over the first: `Cu` and six letters or digits.
  private func makeSpare(
    _ name: Name, in container: ObjectID, besides plug: Plug, _ request: Request
  ) throws(Refusal) -> Answer {
    let isTemporary =
      name.bytes.count == 8 && name.bytes.starts(with: "Cu".utf8)
      && name.bytes.allSatisfy {
        Character(Unicode.Scalar($0)).isLetter || Character(Unicode.Scalar($0)).isNumber
      }
    guard isTemporary, plug.container == container, model.spare(of: plug.device) == nil else {
      throw .pluggedIn(container: containerName(plug.container))
    }
    let id = try freshID()
    let spare = Plug(
      id: id, container: plug.container, device: plug.device, devID: nil, linkName: name,
      changed: world.now)
    let answer = Answer.entry(Node.plug(id, .link).id)
    try commit([.putPlug(spare), .putNextID(id.next)], request, answer)
    return answer
  }

  private func plugIn(
    _ device: Device, _ container: Container, _ name: Name, _ attempt: Attempt
  ) throws(Refusal) -> Answer {
    let next = max(container.nextDevID, plugging[container.id]?.nextDevID ?? 0)
    guard let number = UInt32(exactly: next) else { throw .idsUsedUp }
    _ = try freshID()
    let devID = DevID(rawValue: number)
    guard device.isEnabled else {
      return try put(device, container.id, name, devID, attempt)
    }
    try checkUnique(device, in: container.id)
    // No row holds the dev-id and the name yet, while the engine is at work.
    plugging[container.id, default: Plugging()].count += 1
    plugging[container.id]?.nextDevID = next + 1
    claim(device.id, untilCommitOf: attempt)
    reopenIfFailed(device) { [self] result in
      switch result {
      case .failure: pluggedIn(device, container.id, name, devID, attempt, result)
      case .success:
        world.start(model.devices[device.id] ?? device, in: container, as: devID) {
          [self] result in
          pluggedIn(device, container.id, name, devID, attempt, result)
        }
      }
    }
    return .later
  }

  /// The host side of a device that has failed may be closed: it is opened anew.
  private func reopenIfFailed(
    _ device: Device, then: @escaping (Result<Void, HostRefusal>) -> Void
  ) {
    guard failures[device.id] != nil else { return then(.success(())) }
    world.openHost(device) { [self] result in
      if case .success(let side) = result {
        hostReopened(device.id, side)
        hostRecovered(device.id)
      }
      then(result.map { _ in })
    }
  }

  private func pluggedIn(
    _ device: Device, _ container: ObjectID, _ name: Name, _ devID: DevID, _ attempt: Attempt,
    _ result: Result<Void, HostRefusal>
  ) {
    plugging[container]?.count -= 1
    if plugging[container]?.count == 0 { plugging[container] = nil }
    let outcome: Result<Answer, Refusal>
    do throws(Refusal) {
      if case .failure(let refusal) = result { throw .host(refusal) }
      try checkInterruption(attempt)
      outcome = .success(try put(device, container, name, devID, attempt))
    } catch { outcome = .failure(error) }
    let finish = { [self] in
      settle(device.id, attempt) { () throws(Refusal) in try outcome.get() }
      world.changed(Node.device(device.id, .file(.status)).id)
    }
    // The engine has it, and the tree does not take it: another link got the name.
    if case .success = result, case .failure = outcome {
      world.stop(device.id, then: finish)
    } else {
      finish()
    }
  }

  /// The rows of a new link.
  private func put(
    _ device: Device, _ container: ObjectID, _ name: Name, _ devID: DevID, _ attempt: Attempt
  ) throws(Refusal) -> Answer {
    guard var row = model.containers[container] else { throw .noSuchEntry }
    guard model.plug(linked: name, in: container) == nil else { throw .nameTaken }
    // Another device may have become live in the meantime.
    if device.isEnabled { try checkUnique(device, in: container) }
    let id = try freshID()
    row.nextDevID = max(row.nextDevID, UInt64(devID.rawValue) + 1)
    row.changed = world.now
    let plug = Plug(
      id: id, container: container, device: device.id, devID: devID, linkName: name,
      changed: world.now)
    let answer = Answer.entry(Node.plug(id, .link).id)
    try commit(
      [.putContainer(row), .putPlug(plug), .putNextID(id.next)], attempt.request, answer)
    return answer
  }

  package func removeFile(
    _ name: [UInt8], in parent: NodeID, _ request: Request
  ) throws(TreeError) -> Answer {
    let node = try resolve(lookup(name.span, in: parent))
    if let device = device(node), isBusy(device) {
      return wait(for: device, request) { () throws(TreeError) in
        try self.removeFile(name, in: parent, request)
      }
    }
    let attempt = Attempt(request, at: node.id)
    return try operate(attempt) { () throws(Refusal) in
      if kind(of: node) == .directory { throw .isADirectory }
      guard case .plug(let id, .link) = node, let plug = model.plugs[id] else { throw .fixedEntry }
      return try unplug(plug, [], attempt)
    }
  }

  /// Removes a link, and with the one that gave the dev-id also a spare. Nothing refuses it but
  /// the store; the engine is told after the fact, and the answer waits until the device ended.
  private func unplug(
    _ plug: Plug, _ more: [Change], _ attempt: Attempt
  ) throws(Refusal) -> Answer {
    let wasLive = plug.devID != nil && model.isLive(plug.device)
    var changes = removals(of: plug)
    if plug.devID != nil, let spare = model.spare(of: plug.device) {
      changes += removals(of: spare)
    }
    try commit(changes + more, attempt.request, .done)
    guard wasLive else { return .done }
    claim(plug.device)
    world.stop(plug.device) { [self] in
      settle(plug.device, attempt) { .done }
      world.changed(Node.device(plug.device, .file(.status)).id)
    }
    return .later
  }

  private func removals(of plug: Plug) -> [Change] {
    model.removals(with: plug.id) + [.removePlug(plug.id)]
  }

  /// Renames a link within its directory. Over another one, that one is unplugged: the second
  /// half of `ln -sfn`.
  func rename(
    link id: ObjectID, _ name: Name, _ attempt: Attempt
  ) throws(Refusal) -> Answer {
    guard let plug = model.plugs[id] else { throw .noSuchEntry }
    let old = model.plug(linked: name, in: plug.container)
    func renamed(_ devID: DevID?) -> Change {
      .putPlug(
        Plug(
          id: id, container: plug.container, device: plug.device, devID: devID, linkName: name,
          changed: world.now))
    }
    if plug.devID == nil {
      // A spare takes the first link's place, dev-id included: nothing changes for a guest.
      guard let old, old.device == plug.device else {
        throw .pluggedIn(container: containerName(plug.container))
      }
      let changes = removals(of: old) + [renamed(old.devID)]
      try commit(changes, attempt.request, .done)
      world.changed(Node.container(plug.container, .ids).id)
      return .done
    }
    guard let old else {
      try commit([renamed(plug.devID)], attempt.request, .done)
      return .done
    }
    return try unplug(old, [renamed(plug.devID)], attempt)
  }
}
