/// The owner or mode that chown(2) or chmod(2) gave one file of the tree; `nil` means the default.
package struct NodeOwner: Hashable, Sendable {
  package var permissions: UInt32?
  package var uid: UInt32?
  package var gid: UInt32?

  package init(permissions: UInt32? = nil, uid: UInt32? = nil, gid: UInt32? = nil) {
    self.permissions = permissions
    self.uid = uid
    self.gid = gid
  }
}
