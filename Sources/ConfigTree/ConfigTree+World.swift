internal import FuseMount
internal import LinuxSystem
package import Model

/// A device that has to become live, and where.
package struct Placement: Hashable, Sendable {
  package let device: Device
  package let container: Container
  package let devID: DevID
}

/// What the processes around the tree tell it.
extension ConfigTree {
  /// Takes over what was stored. Before anything else.
  package func load(_ changes: [Change]) { model.apply(changes) }

  /// The devices that are enabled, whose host side a start has to open.
  package func enabledDevices() -> [Device] {
    model.devices.values.filter(\.isEnabled).sorted { $0.id < $1.id }
  }

  /// Where a device is plugged in: an enabled one has to become live there.
  package func placement(of device: Device) -> Placement? {
    place(of: device.id).map { Placement(device: device, container: $0, devID: $1) }
  }

  /// What an engine is given for a device: its values with the facts in their place.
  package func resolvedValues(of device: Device) -> [String: String] {
    layout(of: device)?.table.resolvedValues(of: device) ?? [:]
  }

  /// The feature bits that a device offers, mask included.
  package func offeredFeatures(of device: Device) -> UInt64 { offered(by: device) }

  /// A start opened the host side of an enabled device anew and may have found other facts.
  package func hostReopened(_ id: ObjectID, _ side: HostSide) {
    guard let device = model.devices[id], device.isEnabled, device.facts != side.facts else {
      return
    }
    let gone = device.facts.keys.filter { side.facts[$0] == nil }.sorted()
      .map { Change.removeFact(device: id, fact: $0) }
    let facts = side.facts.sorted { $0.key < $1.key }
      .map { Change.putFact(device: id, fact: $0.key, text: $0.value) }
    do throws(Refusal) { try commit(gone + facts, nil, .done) } catch { return }
  }

  /// The host side or the engine of an enabled device is gone: its status is `failed` until it is
  /// recovered, or enabled or plugged in anew.
  package func hostFailed(_ id: ObjectID, _ refusal: HostRefusal) {
    guard model.devices[id]?.isEnabled == true else { return }
    failures[id] = ()
    tell(
      of: id, errno: Errno(rawValue: refusal.errno), reason: refusal.reason,
      accepted: refusal.accepted)
    wake(id, [.status])
  }

  /// What had failed works again.
  package func hostRecovered(_ id: ObjectID) {
    if failures.remove(id.rawValue) != nil { wake(id, [.status]) }
  }

  /// A front end came or went, a driver took up or dropped the device, or a ring broke.
  package func liveStateChanged(_ id: ObjectID) {
    guard model.devices[id] != nil else { return }
    if let fault = world.liveState(of: id)?.fault, model.refusals[id]?.reason != fault {
      tell(
        of: id, errno: .inputOutput, reason: fault,
        accepted: "a reset by the guest, or 0 and then 1 in enabled")
    }
    if let failure = world.liveState(of: id)?.hostFailure, failures[id] == nil {
      hostFailed(
        id,
        HostRefusal(
          errno: Errno.inputOutput.rawValue, reason: failure,
          accepted: "0 and then 1 in enabled, once it is there again"))
    }
    wake(id, [.status, .acked])
    for queue in 0..<(world.liveState(of: id)?.queues.count ?? 0) {
      world.changed(Node.device(id, .queue(queue, .state)).id)
    }
  }

  /// A container has no socket since this start.
  package func containerFailed(_ id: ObjectID, _ refusal: HostRefusal) {
    tell(
      of: id, at: Node.container(id, .socket).id, errno: Errno(rawValue: refusal.errno),
      reason: refusal.reason, accepted: refusal.accepted)
  }

  /// An engine process started, ended or was given up.
  package func engineStateChanged(_ container: ObjectID) {
    for file in ContainerFile.inEngine + [.status] {
      world.changed(Node.container(container, file).id)
    }
  }

  private func tell(of device: ObjectID, errno: Errno, reason: String, accepted: String) {
    tell(
      of: device, at: Node.device(device, .file(.directory)).id, errno: errno, reason: reason,
      accepted: accepted)
  }

  private func tell(
    of object: ObjectID, at node: NodeID, errno: Errno, reason: String, accepted: String
  ) {
    let place = path(of: node)
    record(
      RefusalRecord(
        time: world.now, path: escaped(Array(place.joined(separator: [UInt8(ascii: "/")]))),
        value: "", errno: errno.rawValue, reason: reason, accepted: accepted),
      of: object)
  }
}
