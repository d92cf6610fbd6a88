internal import LinuxSystem

/// The descriptors that must outlive the processes that use them, by name.
struct KeptDescriptors {
  struct Entry {
    let descriptor: Descriptor
    /// The number of the last message said through it.
    var lastSaid: UInt64 = 0
  }

  private var entries: [String: Entry] = [:]

  /// Bounds what the processes together can make the keeper hold.
  static let countMax = 65_536

  mutating func put(_ descriptor: Descriptor, as name: String) {
    guard entries[name] != nil || entries.count < Self.countMax else { return }
    entries[name] = Entry(descriptor: descriptor)
  }

  /// Everything called `name` or below it, in the order of names; with an empty name all.
  func below(_ name: String) -> [(name: String, entry: Entry)] {
    entries.filter { Self.isBelow($0.key, name) }
      .sorted { $0.key < $1.key }
      .map { ($0.key, $0.value) }
  }

  mutating func drop(_ name: String) {
    entries = entries.filter { !Self.isBelow($0.key, name) }
  }

  /// Sends bytes through a kept stream unless `number` was said before. A peer that does not take
  /// them is disconnected: it never reads its answers.
  mutating func say(_ bytes: [UInt8], number: UInt64, through name: String) {
    guard let entry = entries[name], number > entry.lastSaid else { return }
    entries[name]?.lastSaid = number
    do {
      try sendBytes(bytes, through: entry.descriptor)
    } catch {
      disconnect(entry.descriptor)
    }
  }

  private static func isBelow(_ key: String, _ name: String) -> Bool {
    guard !name.isEmpty, !name.hasSuffix("/") else { return key.hasPrefix(name) }
    return key == name || key.hasPrefix(name + "/")
  }
}
