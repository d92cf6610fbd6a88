/// The newest refusal or fault of an object, as its `last_error` shows it.
package struct RefusalRecord: Hashable, Sendable {
  /// Nanoseconds since 1970.
  package var time: UInt64
  /// Within the tree, escaped: `devices/disk0/path`.
  package var path: String
  /// What was refused, escaped and cut.
  package var value: String
  package var errno: Int32
  package var reason: String
  /// What would have been accepted; may be empty.
  package var accepted: String

  package init(
    time: UInt64, path: String, value: String, errno: Int32, reason: String, accepted: String
  ) {
    self.time = time
    self.path = path
    self.value = value
    self.errno = errno
    self.reason = reason
    self.accepted = accepted
  }
}
