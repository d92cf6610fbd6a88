/// A value somebody wrote into an attribute.
package struct StoredValue: Hashable, Sendable {
  /// In the attribute's canonical form.
  package var text: String
  package var writer: Credentials
  /// When it was written, nanoseconds since 1970.
  package var changed: UInt64

  package init(text: String, writer: Credentials, changed: UInt64) {
    self.text = text
    self.writer = writer
    self.changed = changed
  }
}

/// A device as people configured it. Defaults are not stored: they come from the class.
package struct Device: Hashable, Sendable {
  package let id: ObjectID
  package var name: Name
  /// Written once, by way of the file `type`.
  package var className: String?
  package var isEnabled: Bool
  /// The feature bits that may be offered.
  package var mask: UInt64
  package var owner: Owner
  /// When something of it last changed, nanoseconds since 1970.
  package var changed: UInt64
  /// By attribute key; only what was written.
  package var values: [String: StoredValue] = [:]
  /// What opening the host side found out, such as a file's size; empty while not enabled.
  package var facts: [String: String] = [:]

  package init(
    id: ObjectID, name: Name, className: String? = nil, isEnabled: Bool = false,
    mask: UInt64 = .max, owner: Owner, changed: UInt64
  ) {
    self.id = id
    self.name = name
    self.className = className
    self.isEnabled = isEnabled
    self.mask = mask
    self.owner = owner
    self.changed = changed
  }
}
