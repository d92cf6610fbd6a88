/// What one has to be told of devices: the difference between what one was told and what there is.
/// However long one does not listen, this stays as small as the list of devices. The host keeps it
/// for its client, and a connector for its user.
package struct DeviceNews: Sendable {
  private enum State: Sendable {
    case told
    case owesAdd
    case owesDrop
    /// Gone and here again since the client was told.
    case owesDropAndAdd
  }

  private var states: [UInt32: State] = [:]
  /// The ids for which something is owed, in order.
  private var owed: [UInt32] = []

  package init() {}

  /// Of how many devices something is owed.
  package var count: Int { owed.count }
  package var isEmpty: Bool { owed.isEmpty }

  /// Begins with all that there is.
  mutating func begin(_ ids: [UInt32]) { for id in ids { add(id) } }

  package mutating func add(_ id: UInt32) {
    switch states[id] {
    case nil: owe(id, .owesAdd)
    case .owesDrop: states[id] = .owesDropAndAdd
    case .told, .owesAdd, .owesDropAndAdd: break
    }
  }

  package mutating func drop(_ id: UInt32) {
    switch states[id] {
    case .told: owe(id, .owesDrop)
    case .owesAdd: forget(id)
    case .owesDropAndAdd: states[id] = .owesDrop
    case nil, .owesDrop: break
    }
  }

  /// The next id to tell of, lowest first, and whether it was dropped.
  package var first: (id: UInt32, isDrop: Bool)? {
    guard let id = owed.first else { return nil }
    return (id, states[id] == .owesDrop || states[id] == .owesDropAndAdd)
  }

  /// As `first`, which counts as told.
  package mutating func next() -> (id: UInt32, isDrop: Bool)? {
    defer { removeFirst() }
    return first
  }

  /// What `first` says was told.
  package mutating func removeFirst() {
    guard let id = owed.first else { return }
    switch states[id] {
    case .owesDropAndAdd: states[id] = .owesAdd
    case .owesDrop: forget(id)
    default:
      owed.removeFirst()
      states[id] = .told
    }
  }

  /// What the client knows, for a record: ranges of ids, and those it has to hear of twice.
  var lines: [String] {
    var ranges: [(first: UInt32, last: UInt32)] = []
    var again: [UInt32] = []
    for (id, state) in states.sorted(by: { $0.key < $1.key }) {
      switch state {
      case .owesAdd: continue
      case .owesDropAndAdd:
        again.append(id)
        continue
      case .told, .owesDrop: break
      }
      if let last = ranges.last, last.last + 1 == id {
        ranges[ranges.count - 1].last = id
      } else {
        ranges.append((id, id))
      }
    }
    return ranges.map { "told \($0.first) \($0.last)" } + again.map { "again \($0)" }
  }

  /// Takes a range back from a record; false when it is none.
  mutating func restoreTold(_ first: UInt64, _ last: UInt64) -> Bool {
    guard let low = UInt32(exactly: first), let high = UInt32(exactly: last), low <= high,
      high - low < Limits.devicesMax
    else { return false }
    guard states.count + Int(high - low) < 2 * Limits.devicesMax else { return false }
    for id in low...high where states[id] == nil { states[id] = .told }
    return true
  }

  mutating func restoreAgain(_ number: UInt64) -> Bool {
    guard let id = UInt32(exactly: number), states[id] == nil,
      states.count < 2 * Limits.devicesMax
    else { return false }
    owe(id, .owesDropAndAdd)
    return true
  }

  /// Compares what the client knows with all that there is.
  mutating func goOn(_ ids: [UInt32]) {
    let present = Set(ids)
    for id in states.keys.sorted() where !present.contains(id) { drop(id) }
    for id in ids { add(id) }
  }

  private mutating func owe(_ id: UInt32, _ state: State) {
    states[id] = state
    owed.insert(id, at: place(of: id))
  }

  private mutating func forget(_ id: UInt32) {
    states[id] = nil
    owed.remove(at: place(of: id))
  }

  /// Where an id is, or belongs, in the list.
  private func place(of id: UInt32) -> Int {
    var (low, high) = (0, owed.count)
    while low < high {
      let middle = (low + high) / 2
      if owed[middle] < id { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
