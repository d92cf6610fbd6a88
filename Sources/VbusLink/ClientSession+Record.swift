extension ClientSession {
  /// The session as text, one `key number…` a line: what a new engine goes on from. It tells
  /// everything but the descriptors, and which signals wait: a new engine raises all.
  package var lines: [String] {
    var lines = ["client 1", "next \(nextDevice) \(nextSignal)"]
    if let agreed { lines.append("agreed \(agreed.rawValue)") }
    if isReady { lines.append("ready") }
    lines += regions.map { "region \($0.address) \($0.byteCount) \($0.fileOffset)" }
    if let fastCall { lines.append("calls \(fastCall)") }
    lines += eventQueues.map { "queue \($0.count) \($0.priority) \($0.ring) \($0.records)" }
    for device in devices.values.sorted(by: { $0.handle.rawValue < $1.handle.rawValue }) {
      lines.append("device \(device.handle.rawValue) \(device.id)")
      lines += device.shares.map { "share \($0.text)" }
    }
    lines += closedShares.map { "closed \($0.text)" }
    lines += news.lines
    return lines
  }

  /// Those whose last event has not been sent.
  private var closedShares: [Share] {
    signals.values.filter { $0.event == .closed }.map(\.share)
      .sorted { ($0.signal?.handle.rawValue ?? 0) < ($1.signal?.handle.rawValue ?? 0) }
  }

  /// A session as `lines` described it, on the bus as it is now: what became live or ended meanwhile
  /// is owed to the client.
  ///
  /// Keys that are not known are passed over, and so are numbers behind those that are, for the
  /// writer may be newer. What is known has to be well formed and whole: the record may come from a
  /// broken or foreign file.
  package static func restored(
    from lines: [String], sharesMax: Int = Limits.sharesMax, on bus: inout Bus
  ) throws(LinkFault) -> ClientSession {
    let session = ClientSession(sharesMax: sharesMax)
    // Open on the bus only once all is well.
    var ids: [UInt32] = []
    for (index, text) in lines.enumerated() {
      guard let line = RecordLine(text), index > 0 || line.key == "client",
        session.restore(line, &ids)
      else { throw .malformedRecord(line: index + 1) }
    }
    guard !lines.isEmpty, Set(ids).count == ids.count, !ids.contains(where: bus.isOpen) else {
      throw .malformedRecord(line: 0)
    }
    for id in ids { bus.open(id) }
    if session.isReady { session.news.goOn(bus.ids) }
    for handle in session.signals.keys {
      session.raise(SignalHandle(rawValue: UInt32(truncatingIfNeeded: handle)))
    }
    return session
  }

  /// False when a line means nothing.
  private func restore(_ line: RecordLine, _ ids: inout [UInt32]) -> Bool {
    let numbers = line.numbers
    switch (line.key, numbers.count) {
    case ("client", 1...): return numbers[0] == 1
    case ("next", 2...): (nextDevice, nextSignal) = (numbers[0], numbers[1])
    case ("agreed", 1...):
      agreed = Capabilities(rawValue: numbers[0]).intersection(.implemented)
    case ("ready", _): isReady = true
    case ("region", 3...):
      let region = Region(address: numbers[0], byteCount: numbers[1], fileOffset: numbers[2])
      guard (try? checked(region)) != nil else { return false }
      regions.append(region)
    case ("queue", 4...): return restoreQueue(numbers)
    case ("calls", 1...):
      guard let agreed, let address = try? fastCall(numbers[0], agreed) else { return false }
      fastCall = address
    case ("device", 2...):
      guard let id = UInt32(exactly: numbers[1]), numbers[0] < nextDevice,
        devices[numbers[0]] == nil
      else { return false }
      devices[numbers[0]] = OpenDevice(handle: DeviceHandle(rawValue: numbers[0]), id: id)
      ids.append(id)
    case ("share", 4...): return restoreShare(numbers)
    case ("closed", 9...): return restoreClosed(numbers)
    case ("told", 2...): return news.restoreTold(numbers[0], numbers[1])
    case ("again", 1...): return news.restoreAgain(numbers[0])
    case ("client", _), ("next", _), ("agreed", _), ("region", _), ("queue", _), ("calls", _),
      ("device", _),
      ("share", _), ("closed", _), ("told", _), ("again", _):
      return false
    default: break
    }
    return true
  }

  private func restoreQueue(_ numbers: [UInt64]) -> Bool {
    guard let agreed, let count = UInt32(exactly: numbers[0]),
      let priority = UInt32(exactly: numbers[1])
    else { return false }
    let queue = EventQueue(
      count: count, priority: priority, ring: numbers[2], records: numbers[3])
    let wasReady = isReady
    isReady = false
    defer { isReady = wasReady }
    guard (try? checked(queue, agreed)) != nil else { return false }
    eventQueues.append(queue)
    return true
  }

  private func restoreShare(_ numbers: [UInt64]) -> Bool {
    guard let share = Share(recorded: numbers, priorityCount), let device = devices[share.device],
      !device.shares.contains(where: { $0.id == share.id }), shareCount < sharesMax,
      device.shares.count < Limits.sharesPerDeviceMax,
      hasRegion(share.address, UInt64(share.byteCount)), isNew(share.signal)
    else { return false }
    // `add` gives the next handle; here it is recorded.
    let next = nextSignal
    _ = add(share)
    nextSignal = next
    return true
  }

  private func restoreClosed(_ numbers: [UInt64]) -> Bool {
    guard let share = Share(recorded: numbers, priorityCount), let signal = share.signal,
      signals.count < sharesMax, isNew(signal)
    else { return false }
    signals[UInt64(signal.handle.rawValue)] = SignalState(share: share)
    close(signal)
    return true
  }

  private func isNew(_ signal: Share.Signal?) -> Bool {
    guard let signal else { return true }
    let handle = UInt64(signal.handle.rawValue)
    return handle < nextSignal && signals[handle] == nil
  }
}

extension Share {
  fileprivate var text: String {
    let text = "\(device.rawValue) \(id) \(address) \(byteCount)"
    guard let signal else { return text }
    return text + " \(signal.handle.rawValue) \(signal.offset) \(signal.cookie)"
      + " \(signal.priority) \(signal.hasOwnBells ? 1 : 0)"
  }

  fileprivate init?(recorded numbers: [UInt64], _ priorityCount: Int) {
    guard let id = UInt32(exactly: numbers[1]), let byteCount = UInt32(exactly: numbers[3]) else {
      return nil
    }
    var signal: Signal?
    if numbers.count >= 9 {
      guard let handle = UInt32(exactly: numbers[4]), let offset = UInt32(exactly: numbers[5]),
        UInt64(offset) + UInt64(SignalPlace.byteCount) <= UInt64(byteCount),
        offset % UInt32(SignalPlace.alignment) == 0, numbers[7] < UInt64(priorityCount),
        numbers[8] <= 1
      else { return nil }
      signal = Signal(
        handle: SignalHandle(rawValue: handle), offset: offset, cookie: numbers[6],
        priority: Int(numbers[7]), hasOwnBells: numbers[8] == 1)
    }
    self.init(
      device: DeviceHandle(rawValue: numbers[0]), id: id, address: numbers[2],
      byteCount: byteCount, signal: signal)
  }
}
