internal import ConfigTree
internal import EngineLink
internal import LinuxSystem
internal import Model

/// Going on where a predecessor, or the run before, stopped.
extension Control {
  /// Takes up what the keeper holds, and opens what nobody has opened since the keeper began.
  func takeUp(_ kept: [String: Descriptor]) throws {
    try engines.adoptProcesses(kept)
    for device in tree.enabledDevices() {
      let prefix = Kept.host(device.id) + "/"
      hosts[device.id] = kept.filter { $0.key.hasPrefix(prefix) }.sorted { $0.key < $1.key }
        .map(\.value)
    }
    try dropLeftovers(kept)
    guard kept[Kept.opened] != nil else { return try reopenAll() }
    for placement in tree.devicesToStart() {
      let id = placement.device.id
      if let listener = kept[Kept.listener(id)], let file = kept[Kept.record(id)],
        let record = try? DeviceRecord(file)
      {
        let served = EngineProcess.Served(
          offer: offer(of: placement.device),
          descriptors: [listener, file] + (hosts[id] ?? []), record: record)
        try engines.adopt(served, id, in: placement.container.id)
      } else {
        // It had failed before, or its predecessor died while starting it.
        reopen(placement.device, in: placement)
      }
    }
    engines.beginEpochs()
  }

  /// What belongs to devices that are no longer enabled, or no longer there.
  private func dropLeftovers(_ kept: [String: Descriptor]) throws {
    let enabled = Set(tree.enabledDevices().map { Kept.device($0.id) })
    let names = Set(
      kept.keys.filter { $0.hasPrefix("device/") }
        .map { $0.split(separator: "/").prefix(2).joined(separator: "/") })
    for name in names.subtracting(enabled) { try keeper.drop(name) }
  }

  /// After a start: opens the host sides anew, with the rights of those who wrote their values.
  private func reopenAll() throws {
    let placements = Dictionary(
      tree.devicesToStart().map { ($0.device.id, $0) }, uniquingKeysWith: { $1 })
    for device in tree.enabledDevices() { reopen(device, in: placements[device.id]) }
    try keeper.put(slots.file, as: Kept.opened)
    engines.beginEpochs()
  }

  private func reopen(_ device: Device, in placement: Placement?) {
    openHost(device) { [unowned self] result in
      switch result {
      case .failure(let refusal): tree.hostFailed(device.id, refusal)
      case .success(let side):
        tree.hostReopened(device.id, side)
        guard let placement, let device = tree.model.devices[device.id] else { return }
        start(device, in: placement.container, as: placement.devID) { [unowned self] in
          if case .failure(let refusal) = $0 { tree.hostFailed(device.id, refusal) }
        }
      }
    }
  }
}
