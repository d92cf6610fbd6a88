internal import EngineLink
internal import LinuxSystem
internal import VhostUser

/// What a model asks of its device.
extension LiveDevice: DeviceHost {
  func wake(queue index: Int) {
    guard queues.indices.contains(index), queues[index].isRunning else { return }
    queues[index].wakeLater()
  }

  func shared<Common: AnyObject>(_ name: String, make: () -> Common) -> Common {
    commons.one(name, make: make)
  }

  func hostFailed(_ sentence: String) {
    record.hostFailure = sentence
    onChange()
  }

  // MARK: For an interface of the class's own

  func hasRing(_ queue: Int) -> Bool { opening?.rings[queue] != nil }

  func capacity(ofRing queue: Int) -> Int? {
    guard let opening, let ring = opening.rings[queue] else { return nil }
    return ring.capacity(in: opening.client.memory)
  }

  func startRings() throws(Errno) {
    guard let opening else { throw .invalid }
    opening.startRings()
  }

  func stopRings() { opening?.stopRings() }

  func drain(queue index: Int) {
    guard queues.indices.contains(index) else { return }
    queues[index].serveAll(until: monotonicNanoseconds() + LiveQueue.drainNanoseconds)
  }

  func flush(queue index: Int) {
    guard queues.indices.contains(index) else { return }
    queues[index].flush()
  }

  func sharedBytes(_ id: UInt32) -> (address: UInt64, byteCount: UInt32)? { opening?.bytes[id] }

  // MARK: The configuration space

  /// When to try again where the front end has no room for a message.
  private static var roomMilliseconds: UInt64 { 20 }

  /// Tells the guest what it has not been told. A front end that did not ask for such messages
  /// finds the new bytes when it reads them next.
  func configurationChanged() {
    opening?.configurationChanged()
    guard let shown = attachment?.shownConfiguration, shown != model.configuration else { return }
    if attachment?.session.mayAnnounceConfiguration == true {
      guard tellFrontEnd(.configurationChanged()) else {
        _ = loop.after(milliseconds: Self.roomMilliseconds) { [weak self] in
          self?.configurationChanged()
        }
        return
      }
    }
    attachment?.shownConfiguration = model.configuration
    // After the message: a successor that tells it twice does no harm.
    saveSession()
  }
}
