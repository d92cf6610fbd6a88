/// A buffer that the device gave back.
package struct IoqCompletion: Hashable, Sendable {
  package let slot: UInt16
  /// As it stands in the ring: the driver wrote it, and the device could change it.
  package let cookie: UInt64
  /// What the device wrote; 0 when it only reads.
  package let written: UInt32

  init(slot: UInt16, cookie: UInt64, written: UInt32) {
    self.slot = slot
    self.cookie = cookie
    self.written = written
  }
}
