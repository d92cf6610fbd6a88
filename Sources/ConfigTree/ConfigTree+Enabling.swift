internal import FuseMount
internal import Model

extension ConfigTree {
  func write(
    enabled text: String, _ device: Device, _ attempt: Attempt
  ) throws(Refusal) -> Answer {
    guard let isOn = ValueKind.boolean(text) else {
      throw .malformed(accepted: ValueKind.boolean.accepted)
    }
    if isOn == device.isEnabled {
      try commit([], attempt.request, .done)
      return .done
    }
    return isOn ? try enable(device, attempt) : try disable(device, attempt)
  }

  /// Checks all values as one, opens the host side, and where the device is plugged in makes it
  /// live. The row is written last: whatever fails leaves the device as it was.
  private func enable(_ device: Device, _ attempt: Attempt) throws(Refusal) -> Answer {
    guard let table = layout(of: device)?.table else { throw .noSuchEntry }
    try table.validate(table.values(of: device))
    if let (container, _) = place(of: device.id) { try checkUnique(device, in: container.id) }
    claim(device.id, untilCommitOf: attempt)
    world.openHost(device) { [self] result in
      switch result {
      case .failure(let refusal):
        settle(device.id, attempt) { () throws(Refusal) in throw .host(refusal) }
      case .success(let side):
        var opened = device
        opened.isEnabled = true
        opened.facts = side.facts
        opened.changed = world.now
        begin(opened, attempt)
      }
    }
    return .later
  }

  private func begin(_ device: Device, _ attempt: Attempt) {
    do throws(Refusal) { try checkInterruption(attempt) } catch {
      world.closeHost(device.id)
      return settle(device.id, attempt) { () throws(Refusal) in throw error }
    }
    guard let (container, devID) = place(of: device.id) else {
      enabled(device, attempt)
      return
    }
    world.start(device, in: container, as: devID) { [self] result in
      switch result {
      case .failure(let refusal):
        world.closeHost(device.id)
        settle(device.id, attempt) { () throws(Refusal) in throw .host(refusal) }
      case .success: enabled(device, attempt)
      }
    }
  }

  private func enabled(_ device: Device, _ attempt: Attempt) {
    let facts = device.facts.sorted { $0.key < $1.key }
      .map { Change.putFact(device: device.id, fact: $0.key, text: $0.value) }
    do throws(Refusal) {
      try checkInterruption(attempt)
      // Another device may have become live in the meantime.
      if let (container, _) = place(of: device.id) { try checkUnique(device, in: container.id) }
      try commit([.putDevice(device)] + facts, attempt.request, .done)
      failures[device.id] = nil
      settle(device.id, attempt) { .done }
      wake(device.id, [.enabled, .status])
    } catch {
      let isPlugged = model.plug(of: device.id) != nil
      let close = { [self] in
        world.closeHost(device.id)
        settle(device.id, attempt) { () throws(Refusal) in throw error }
      }
      if isPlugged { world.stop(device.id, then: close) } else { close() }
    }
  }

  private func disable(_ device: Device, _ attempt: Attempt) throws(Refusal) -> Answer {
    let wasLive = model.isLive(device.id)
    var disabled = device
    disabled.isEnabled = false
    disabled.changed = world.now
    let facts = device.facts.keys.sorted().map {
      Change.removeFact(device: device.id, fact: $0)
    }
    try commit([.putDevice(disabled)] + facts, attempt.request, .done)
    forget(device.id)
    guard wasLive else {
      world.closeHost(device.id)
      wake(device.id, [.enabled, .status])
      return .done
    }
    claim(device.id)
    world.stop(device.id) { [self] in
      world.closeHost(device.id)
      settle(device.id, attempt) { .done }
      wake(device.id, [.enabled, .status])
    }
    return .later
  }

  /// What is known of a device only while it is enabled.
  func forget(_ device: ObjectID) { failures[device] = nil }
}
