/// A domain of trust and of faults: one engine process, one namespace of dev-ids.
package struct Container: Hashable, Sendable {
  package let id: ObjectID
  package var name: Name
  package var owner: Owner
  /// The dev-id the next device gets. 2^32 when all were given.
  package var nextDevID: UInt64
  /// When something of it last changed, nanoseconds since 1970.
  package var changed: UInt64
  /// Who may attach besides those whom `owner` lets write. A row of its own.
  package var allowance = Allowance()

  package init(id: ObjectID, name: Name, owner: Owner, nextDevID: UInt64 = 0, changed: UInt64) {
    self.id = id
    self.name = name
    self.owner = owner
    self.nextDevID = nextDevID
    self.changed = changed
  }
}
