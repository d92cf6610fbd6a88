package import LinuxSystem

/// What opening a device's host side gave.
package struct HostOpening: Sendable {
  /// For the engine, in the order that the class's queue handler expects.
  package var descriptors: [Descriptor]
  /// What was found out, by name: it takes the place of the written value of that name.
  package var facts: [String: String]

  package init(descriptors: [Descriptor] = [], facts: [String: String] = [:]) {
    self.descriptors = descriptors
    self.facts = facts
  }
}
