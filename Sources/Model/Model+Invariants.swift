internal import Tables

extension Model {
  /// A rule of the model that does not hold: a mistake of ours.
  package enum Flaw: Error, Hashable, Sendable {
    case idNotYetGiven(ObjectID)
    case nameNotFound(ObjectID)
    case plugWithoutDevice(ObjectID)
    case plugWithoutContainer(ObjectID)
    case plugNotFound(ObjectID)
    case plugUntyped(ObjectID)
    case devIDNotYetGiven(ObjectID)
    case pluggedTwice(ObjectID)
    case spareElsewhere(ObjectID)
    case enabledUntyped(ObjectID)
    case factsWhileOffline(ObjectID)
    case rowOfNobody(ObjectID)
  }

  /// Throws the first rule that does not hold. Costs a walk over all rows.
  package func checkInvariants() throws(Flaw) {
    for device in devices.values {
      guard device.id < nextID else { throw .idNotYetGiven(device.id) }
      guard self.device(named: device.name) == device.id else {
        throw .nameNotFound(device.id)
      }
      guard !device.isEnabled || device.className != nil else { throw .enabledUntyped(device.id) }
      guard device.isEnabled || device.facts.isEmpty else { throw .factsWhileOffline(device.id) }
    }
    for container in containers.values {
      guard container.id < nextID else { throw .idNotYetGiven(container.id) }
      guard self.container(named: container.name) == container.id else {
        throw .nameNotFound(container.id)
      }
    }
    for plug in plugs.values { try check(plug) }
    let owners = refusals.keys + nodeOwners.keys.map { $0 >> 16 } + sessionMarks.keys
    for object in owners.map(ObjectID.init) where object != .tree {
      let exists = devices[object] != nil || containers[object] != nil || plugs[object] != nil
      guard exists else { throw .rowOfNobody(object) }
    }
  }

  private func check(_ plug: Plug) throws(Flaw) {
    guard plug.id < nextID else { throw .idNotYetGiven(plug.id) }
    guard let device = devices[plug.device] else { throw .plugWithoutDevice(plug.id) }
    guard let container = containers[plug.container] else {
      throw .plugWithoutContainer(plug.id)
    }
    guard device.className != nil else { throw .plugUntyped(plug.id) }
    guard self.plug(linked: plug.linkName, in: plug.container) == plug.id else {
      throw .plugNotFound(plug.id)
    }
    guard let devID = plug.devID else {
      guard self.plug(of: plug.device)?.container == plug.container else {
        throw .spareElsewhere(plug.id)
      }
      return
    }
    guard UInt64(devID.rawValue) < container.nextDevID else { throw .devIDNotYetGiven(plug.id) }
    guard self.plug(of: plug.device)?.id == plug.id else { throw .pluggedTwice(plug.id) }
  }
}
