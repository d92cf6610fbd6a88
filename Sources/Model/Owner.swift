/// Who owns an object's directory and what its mode bits are. The files in it follow, unless one
/// has an owner or mode of its own.
package struct Owner: Hashable, Sendable {
  package var uid: UInt32
  package var gid: UInt32
  /// Mode bits of the directory, 0o755.
  package var permissions: UInt32

  package init(uid: UInt32, gid: UInt32, permissions: UInt32) {
    self.uid = uid
    self.gid = gid
    self.permissions = permissions
  }
}
