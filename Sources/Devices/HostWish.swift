package import LinuxSystem

/// What a helper process is asked for: a device's host side, open.
package struct HostWish: Sendable {
  /// The device's values, by attribute key: checked, and completed by the defaults.
  package var values: [String: String]
  /// The file system of our own mount, into which no path may lead.
  package var forbiddenFileSystem: UInt64
  /// What is open already: of a device that has failed, or whose values change while it is live.
  package var open: [Descriptor]

  package init(
    _ values: [String: String], forbiddenFileSystem: UInt64, open: [Descriptor] = []
  ) {
    self.values = values
    self.forbiddenFileSystem = forbiddenFileSystem
    self.open = open
  }
}
