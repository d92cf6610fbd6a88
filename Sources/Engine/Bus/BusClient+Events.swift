internal import LinuxSystem
internal import SharedMemory
package import VbusLink

/// What the bus tells a client without being asked.
extension BusClient {
  /// What rings for a signal that has no bell of its own: an event.
  func bell(of signal: SignalHandle) -> () -> Void {
    { [weak self] in self?.raise(signal) }
  }

  private func raise(_ signal: SignalHandle) {
    session.raise(signal)
    eventsWait()
  }

  /// Some may wait: those that have a ring are put there, of the others the connector hears.
  func eventsWait() {
    guard !eventRings.isEmpty else { return onEvents() }
    for ring in eventRings.reversed() { ring.deliver() }
  }

  /// Gives the events that come as messages to `send`, the highest priority first, until it answers
  /// false: then there is no room for that one now, and it is the next one again. False then.
  package func deliverEvents(to send: (Event) -> Bool) -> Bool {
    guard eventRings.isEmpty else { return true }
    for priority in (0..<session.priorityCount).reversed() {
      while session.hasEvent(priority) {
        guard deliver(priority, to: send) else { return !session.hasEvent(priority) }
      }
    }
    return true
  }

  /// The next event of a priority; false when there was none, or it was not taken.
  func deliver(_ priority: Int, to send: (Event) -> Bool) -> Bool {
    var lasts = false
    let isSent = session.deliver(priority, on: bus.table) { event in
      if case .signal = event {} else { lasts = true }
      return send(event)
    }
    // A new engine raises all signals, but the rest it has to know.
    if isSent, lasts { changed() }
    return isSent
  }

  // MARK: Rings of events

  func add(_ queue: EventQueue, _ bells: [Descriptor]) throws(Errno) {
    eventRings.append(try EventRing(queue, bells, of: self))
    for (index, bell) in bells.enumerated() {
      vault.keep(bell, as: Part.queue(queue.priority, index))
    }
  }
}
