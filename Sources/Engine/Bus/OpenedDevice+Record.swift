internal import LinuxSystem
internal import VbusLink

/// An open device in lines of its client's record: a word, the device's handle, numbers.
extension OpenedDevice {
  private enum Key {
    static let virtio = "virtio"
    static let features = "features"
    static let space = "space"
    static let shown = "shown"
    /// Before the words of an interface of the class's own.
    static let own = "own."
  }

  var lines: [String] {
    guard !isRevoked else { return [] }
    let handle = handle.rawValue
    var lines = ["\(Key.virtio) \(handle) \(status.rawValue) \(isStarted ? 1 : 0)"]
    if let acked { lines.append("\(Key.features) \(handle) \(acked)") }
    for (offset, bytes) in configuration.sorted(by: { $0.key < $1.key }) {
      lines.append("\(Key.space) \(handle) \(offset)" + bytes.map { " \($0)" }.joined())
    }
    lines.append("\(Key.shown) \(handle)" + shownConfiguration.map { " \($0)" }.joined())
    for line in device.model.interfaceLines {
      let words = line.split(separator: " ", maxSplits: 1)
      lines.append(
        "\(Key.own)\(words[0]) \(handle)" + (words.count > 1 ? " \(words[1])" : ""))
    }
    return lines
  }

  /// Goes on as a predecessor's lines say. What they share is there already.
  func takeUp(_ lines: [String]) throws(Errno) {
    var own: [String] = []
    var starts = false
    for line in lines {
      let words = line.split(separator: " ")
      guard words.count >= 2, words[1] == "\(handle.rawValue)" else { continue }
      let numbers = words.dropFirst(2).compactMap { UInt64($0) }
      switch (String(words[0]), numbers.count) {
      case (Key.virtio, 2...):
        status = DeviceStatus(rawValue: UInt32(truncatingIfNeeded: numbers[0]))
        starts = numbers[1] == 1
      case (Key.features, 1...):
        guard numbers[0] & ~device.offered == 0 else { throw .stale }
        acked = numbers[0]
      case (Key.space, 1...):
        configuration[Int(truncatingIfNeeded: numbers[0])] = bytes(numbers.dropFirst())
      case (Key.shown, _): shownConfiguration = bytes(numbers[...])
      case (let key, _) where key.hasPrefix(Key.own):
        own.append(
          ([String(key.dropFirst(Key.own.count))] + numbers.map { String($0) })
            .joined(separator: " "))
      default: break
      }
    }
    if let acked { device.model.resumed(acked) }
    for (offset, bytes) in configuration.sorted(by: { $0.key < $1.key }) {
      _ = device.model.writeConfiguration(at: offset, bytes)
    }
    guard device.model.restoreInterface(own) else { throw .stale }
    if starts { startRings(isResumed: true) }
    device.updateStates()
    // It may have changed while nobody was there.
    configurationChanged()
  }

  private func bytes(_ numbers: ArraySlice<UInt64>) -> [UInt8] {
    numbers.map { UInt8(truncatingIfNeeded: $0) }
  }
}
