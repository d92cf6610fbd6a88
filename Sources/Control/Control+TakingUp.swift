internal import ConfigTree
internal import EngineLink
internal import LinuxSystem
internal import Model

/// Going on where a predecessor, or the run before, stopped.
extension Control {
  /// Takes up what the keeper holds, and opens what nobody has opened since the keeper began.
  func takeUp(_ kept: [String: Descriptor]) throws {
    try engines.adoptProcesses(kept)
    try takeUpContainers(kept)
    try dropLeftovers(kept)
    for device in tree.enabledDevices() {
      let placement = tree.placement(of: device)
      hosts[device.id] = hostFiles(of: device.id, kept)
      if let placement, try adopt(placement, kept) { continue }
      // Open, and in no container: there is nothing to start.
      if placement == nil, hosts[device.id] != nil { continue }
      // It had failed before, or its predecessor died while opening or starting it.
      reopenings.append(Reopening(device: device, placement: placement))
      tree.claim(device.id)
    }
    reopenings.reverse()
    for _ in 0..<Self.reopeningsMax { reopenNext() }
    engines.beginEpochs()
  }

  /// An enabled device whose host side has to be opened anew.
  struct Reopening {
    let device: Device
    let placement: Placement?
  }

  /// Host sides opened at once. Each takes a helper process.
  private static let reopeningsMax = 8

  /// They were put together, so that where the first is all are.
  private func hostFiles(of id: ObjectID, _ kept: [String: Descriptor]) -> [Descriptor]? {
    guard kept[Kept.hostFile(id, 0)] != nil else { return nil }
    return (0..<Packet.descriptorCountMax).prefix { kept[Kept.hostFile(id, $0)] != nil }
      .compactMap { kept[Kept.hostFile(id, $0)] }
  }

  /// Goes on with a device that an engine serves, or shall serve; `false` when it has to be made
  /// live anew.
  private func adopt(_ placement: Placement, _ kept: [String: Descriptor]) throws -> Bool {
    let id = placement.device.id
    guard let listener = kept[Kept.listener(id)], let file = kept[Kept.record(id)],
      let record = try? DeviceRecord(file)
    else { return false }
    let served = EngineProcess.Served(
      offer: offer(of: placement.device, as: placement.devID),
      descriptors: [listener, file] + (hosts[id] ?? []), record: record)
    try engines.adopt(served, id, in: placement.container.id)
    return true
  }

  /// What belongs to devices that are no longer enabled, live or there: a predecessor may have
  /// died after it committed that, and before it cleared up.
  private func dropLeftovers(_ kept: [String: Descriptor]) throws {
    for id in Set(kept.keys.compactMap(Kept.device(named:))) {
      guard let device = tree.model.devices[id], device.isEnabled else {
        try keeper.drop(Kept.device(id))
        continue
      }
      if tree.placement(of: device) == nil, kept[Kept.listener(id)] != nil {
        try keeper.drop(Kept.live(id))
      }
    }
    for name in try names(in: places.sockets) where !isSocketOfLiveDevice(name) {
      try? unlink(places.sockets + "/" + name)
    }
  }

  private func isSocketOfLiveDevice(_ name: String) -> Bool {
    guard let name = try? Name(Array(name.utf8)), let device = tree.model.device(named: name) else {
      return false
    }
    return tree.model.isLive(device)
  }

  /// Opens the next host side, with the rights of those who wrote its values. Until that has an
  /// end, whoever changes the device waits.
  private func reopenNext() {
    guard let next = reopenings.popLast() else { return }
    let id = next.device.id
    let finish = { [unowned self] (refusal: HostRefusal?) in
      if let refusal { tree.hostFailed(id, refusal) }
      tree.release(id)
      reopenNext()
    }
    openHost(next.device) { [unowned self] result in
      switch result {
      case .failure(let refusal): finish(refusal)
      case .success(let side):
        tree.hostReopened(id, side)
        guard let placement = next.placement, let device = tree.model.devices[id] else {
          return finish(nil)
        }
        start(device, in: placement.container, as: placement.devID) { result in
          if case .failure(let refusal) = result { finish(refusal) } else { finish(nil) }
        }
      }
    }
  }
}
