/// With whose rights something is opened: of the one who wrote its name.
package struct Credentials: Hashable, Sendable {
  package var uid: UInt32
  package var gid: UInt32
  package var groups: [UInt32]

  package init(uid: UInt32, gid: UInt32, groups: [UInt32]) {
    self.uid = uid
    self.gid = gid
    self.groups = groups
  }

  /// The groups as one text, `4 24 27`, for a column of a table.
  package var groupsText: String { groups.map(String.init).joined(separator: " ") }

  /// Takes `groupsText` back; what is no number is left out, which can only take rights away.
  package init(uid: UInt32, gid: UInt32, groupsText: String) {
    self.init(
      uid: uid, gid: gid, groups: groupsText.split(separator: " ").compactMap { UInt32($0) })
  }
}
