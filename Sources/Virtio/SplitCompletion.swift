/// A chain that the device gave back to its driver.
package struct SplitCompletion: Hashable, Sendable {
  package let head: UInt16
  package let written: UInt32

  package init(head: UInt16, written: UInt32) {
    self.head = head
    self.written = written
  }
}

/// What a device may never do to its driver.
public enum DeviceFault: Error, Hashable, Sendable {
  /// A used element names a chain that the device did not have: given back twice, or never lent.
  case notLent(UInt32)
  /// The used index moved further than chains were lent.
  case usedTooMany(UInt16)

  /// What to tell a person.
  package var sentence: String {
    switch self {
    case .notLent(let id): "the device gave back chain \(id), which it did not have"
    case .usedTooMany(let count): "the device gave back \(count) chains, more than it had"
    }
  }
}
