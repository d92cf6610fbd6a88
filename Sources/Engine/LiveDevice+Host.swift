internal import EngineLink
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

  // MARK: The configuration space

  /// When to try again where the front end has no room for a message.
  private static var roomMilliseconds: UInt64 { 20 }

  /// Tells the guest what it has not been told. A front end that did not ask for such messages
  /// finds the new bytes when it reads them next.
  func configurationChanged() {
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
