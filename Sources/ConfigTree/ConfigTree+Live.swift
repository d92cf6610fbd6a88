internal import FuseMount
internal import Model

/// Attributes that change while a guest has the device open.
extension ConfigTree {
  /// A new value of a live attribute, on its way: the device before and after.
  private struct LiveChange {
    let old: Device
    var new: Device
    let change: Change
    let attempt: Attempt
  }

  /// Puts a value in force step by step: what is open on the host, the rows, the engine, the
  /// answer. The rows come before the engine, so that whoever starts anew in between goes on with
  /// the new value; an engine that refuses it has them go back.
  func takeLive(
    _ changed: Device, insteadOf old: Device, _ attribute: AttributeSpec, _ change: Change,
    _ attempt: Attempt
  ) throws(Refusal) -> Answer {
    guard changed.isEnabled, let table = layout(of: changed)?.table else {
      return try put([change], of: old.id, attempt)
    }
    try table.validate(table.values(of: changed))
    claim(old.id)
    let live = LiveChange(old: old, new: changed, change: change, attempt: attempt)
    guard attribute.showsFact else {
      settleLive(live)
      return .later
    }
    world.adjustHost(changed) { [self] result in
      switch result {
      case .failure(let refusal):
        settle(old.id, attempt) { () throws(Refusal) in throw .host(refusal) }
      case .success(let side):
        var adjusted = live
        adjusted.new.facts = side.facts
        settleLive(adjusted)
      }
    }
    return .later
  }

  private func settleLive(_ live: LiveChange) {
    let id = live.old.id
    let changes = [live.change] + facts(from: live.old, to: live.new)
    guard model.isLive(id) else {
      return settle(id, live.attempt) { () throws(Refusal) in
        try put(changes, of: id, live.attempt)
      }
    }
    do throws(Refusal) { try commit(changes, nil, .done) } catch {
      return settle(id, live.attempt) { () throws(Refusal) in throw error }
    }
    world.update(live.new) { [self] result in
      settle(id, live.attempt) { () throws(Refusal) in
        if case .failure(let refusal) = result {
          try commit(undoing(live), nil, .done)
          throw .host(refusal)
        }
        return try put([], of: id, live.attempt)
      }
    }
  }

  private func undoing(_ live: LiveChange) -> [Change] {
    guard case .putValue(let id, let name, _) = live.change else { return [] }
    let value: Change =
      live.old.values[name].map { .putValue(device: id, attribute: name, value: $0) }
      ?? .removeValue(device: id, attribute: name)
    return [value] + facts(from: live.new, to: live.old)
  }

  private func facts(from old: Device, to new: Device) -> [Change] {
    let gone = old.facts.keys.filter { new.facts[$0] == nil }.sorted()
    return gone.map { .removeFact(device: new.id, fact: $0) }
      + new.facts.sorted { $0.key < $1.key }
      .map { .putFact(device: new.id, fact: $0.key, text: $0.value) }
  }
}
