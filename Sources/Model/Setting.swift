/// A value of the tree itself, of a file at its root.
package struct Setting: Hashable, Sendable {
  package let text: String
  /// When it was written, nanoseconds since 1970.
  package let changed: UInt64

  package init(text: String, changed: UInt64) {
    self.text = text
    self.changed = changed
  }
}
