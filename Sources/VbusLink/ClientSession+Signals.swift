internal import LinuxSystem

extension ClientSession {
  /// How many priorities events have: one for each event queue, or all when they come as messages.
  package var priorityCount: Int {
    eventQueues.isEmpty ? Limits.prioritiesMax : eventQueues.count
  }

  /// The memory whose signal this is; ENOENT for none.
  func share(_ handle: SignalHandle) throws(Errno) -> Share {
    guard let place = signals.place(of: UInt64(handle.rawValue)) else { throw .noEntry }
    let state = signals[at: place]
    guard state.event != .closed else { throw .noEntry }
    return state.share
  }

  /// Answers the signal's handle, or 0 for memory without one.
  func add(_ share: Share) -> UInt64 {
    shareCount += 1
    if let place = devices.place(of: share.device.rawValue) {
      devices[at: place].shares.append(share)
    }
    guard let signal = share.signal else { return 0 }
    nextSignal += 1
    signals[UInt64(signal.handle.rawValue)] = SignalState(share: share)
    return UInt64(signal.handle.rawValue)
  }

  /// Its last event takes the place of one that waits.
  func close(_ signal: Share.Signal) {
    guard let place = signals.place(of: UInt64(signal.handle.rawValue)) else { return }
    let isWaiting = signals[at: place].event == .raised
    signals[at: place].event = .closed
    if !isWaiting { backlog.append(signal.handle, signal.priority) }
  }

  /// The device raises a signal, and its client has to be told by an event. Nothing when that is on
  /// its way already, or the signal is closed.
  package func raise(_ handle: SignalHandle) {
    guard let place = signals.place(of: UInt64(handle.rawValue)),
      signals[at: place].event == .none, let signal = signals[at: place].share.signal
    else { return }
    signals[at: place].event = .raised
    backlog.append(handle, signal.priority)
  }

  /// A device became live on the bus.
  package func deviceAdded(_ id: UInt32) { if isReady { news.add(id) } }

  /// A device is live no more.
  package func deviceDropped(_ id: UInt32) { if isReady { news.drop(id) } }

  /// Whether an event of this priority waits.
  package func hasEvent(_ priority: Int) -> Bool {
    guard isReady else { return false }
    return isHighest(priority) && !news.isEmpty || !backlog.isEmpty(priority)
  }

  /// The next event, of the highest priority that has one; nil when none waits. It counts as sent:
  /// ask only when the client can take it.
  package func nextEvent(on bus: Bus) -> Event? {
    var event: Event?
    for priority in (0..<priorityCount).reversed() where event == nil {
      deliver(priority, on: bus) {
        event = $0
        return true
      }
    }
    return event
  }

  /// Shows the next event of one priority to `take`, and counts it as sent when that answers true.
  /// Devices come and go at the highest. False when none waited, or it was not taken.
  @discardableResult
  package func deliver(_ priority: Int, on bus: Bus, to take: (Event) -> Bool) -> Bool {
    guard isReady else { return false }
    if isHighest(priority), let (id, isDrop) = news.first {
      let event: Event =
        isDrop ? .deviceDropped(id: id) : .deviceAdded(id: id, type: bus[id]?.type ?? "")
      guard take(event) else { return false }
      news.removeFirst()
      return true
    }
    while let handle = backlog.first(priority) {
      guard let event = event(of: handle) else {
        backlog.removeFirst(priority)
        continue
      }
      guard take(event) else { return false }
      count(event, as: handle)
      backlog.removeFirst(priority)
      return true
    }
    return false
  }

  private func isHighest(_ priority: Int) -> Bool { priority == priorityCount - 1 }

  private func event(of handle: SignalHandle) -> Event? {
    guard let place = signals.place(of: UInt64(handle.rawValue)),
      let signal = signals[at: place].share.signal
    else { return nil }
    return switch signals[at: place].event {
    case .none: nil
    case .raised: .signal(cookie: signal.cookie)
    case .closed: .shareClosed(cookie: signal.cookie)
    }
  }

  private func count(_ event: Event, as handle: SignalHandle) {
    if case .shareClosed = event {
      _ = signals.remove(UInt64(handle.rawValue))
    } else if let place = signals.place(of: UInt64(handle.rawValue)) {
      signals[at: place].event = .none
    }
  }
}
