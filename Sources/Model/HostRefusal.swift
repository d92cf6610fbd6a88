/// Why a device's host side could not be had: an errno and a sentence for `last_error`.
package struct HostRefusal: Error, Hashable, Sendable {
  package var errno: Int32
  package var reason: String
  /// What would do; may be empty.
  package var accepted: String

  package init(errno: Int32, reason: String, accepted: String = "") {
    self.errno = errno
    self.reason = reason
    self.accepted = accepted
  }
}
