/// A buffer that the driver posted, as its descriptor said when it was taken.
package struct IoqOffer: BitwiseCopyable, Hashable, Sendable {
  package let slot: UInt16
  package let address: UInt64
  package let byteCount: UInt32

  init(slot: UInt16, address: UInt64, byteCount: UInt32) {
    self.slot = slot
    self.address = address
    self.byteCount = byteCount
  }
}
