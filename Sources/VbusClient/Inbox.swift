package import VbusLink

/// Events that came and were not taken: never more than there are devices and signals.
///
/// It also sees to what a replaced engine may tell twice: a device that is known is not added, a
/// signal that is not the client's is not raised.
package struct Inbox {
  /// The devices that the host has told of, with their types.
  private var types: [UInt32: String] = [:]
  private var news = DeviceNews()
  /// The signals that can be raised: how many have the cookie.
  private var signals: [UInt64: Int] = [:]
  private var raised: [UInt64] = []
  private var isRaised: Set<UInt64> = []
  private var closed: [UInt64] = []

  package init() {}

  package var isEmpty: Bool { news.isEmpty && raised.isEmpty && closed.isEmpty }

  /// Before a signal is shared: from then on it can be raised.
  package mutating func expect(_ cookie: UInt64) { signals[cookie, default: 0] += 1 }

  /// The signal was not shared, or has had its last event.
  package mutating func forget(_ cookie: UInt64) {
    guard let count = signals[cookie] else { return }
    signals[cookie] = count == 1 ? nil : count - 1
  }

  /// All devices that the host has told of and not taken back, in the order of their ids.
  package var devices: [(id: UInt32, type: String)] {
    types.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// Takes a signal out of its turn; false when it was not raised.
  package mutating func take(_ cookie: UInt64) -> Bool {
    guard isRaised.remove(cookie) != nil else { return false }
    raised.removeAll { $0 == cookie }
    return true
  }

  package mutating func append(_ event: Event) throws(BusError) {
    switch event {
    case .deviceAdded(let id, let type):
      guard types[id] == nil else { return }
      guard types.count < Limits.devicesMax else { throw .nonsense(.tooManyDevices) }
      types[id] = type
      news.add(id)
    case .deviceDropped(let id):
      if types.removeValue(forKey: id) != nil { news.drop(id) }
    case .signal(let cookie):
      guard signals[cookie] != nil, isRaised.insert(cookie).inserted else { return }
      raised.append(cookie)
    case .shareClosed(let cookie):
      guard signals[cookie] != nil else { return }
      forget(cookie)
      closed.append(cookie)
    }
  }

  package mutating func next() -> Event? {
    if let (id, isDrop) = news.next() {
      return isDrop ? .deviceDropped(id: id) : .deviceAdded(id: id, type: types[id] ?? "")
    }
    if !raised.isEmpty {
      let cookie = raised.removeFirst()
      isRaised.remove(cookie)
      return .signal(cookie: cookie)
    }
    return closed.isEmpty ? nil : .shareClosed(cookie: closed.removeFirst())
  }
}
