package import SharedMemory

/// North's end of an ioq in real shared memory.
///
/// Not generic: other modules would run the generic one unspecialised, which takes three times as
/// many instructions.
package struct IoqDriverRing: ~Copyable {
  private var driver: IoqDriver<SharedWindow>

  /// Formats all of `window`, which must have exactly the size of such a ring.
  package init(formatting window: SharedWindow, size: IoqSize, flow: Flow) throws(RingFault) {
    driver = try IoqDriver(formatting: window, size: size, flow: flow)
  }

  package var size: IoqSize { driver.size }
  package var flow: Flow { driver.flow }
  package var isFull: Bool { driver.isFull }
  /// Entries that the device has.
  package var lent: UInt16 { driver.lent }

  /// Posts a buffer; the device sees it at the next `publish`. Answers its slot, nil when full.
  package mutating func post(cookie: UInt64, address: UInt64, byteCount: UInt32) -> UInt16? {
    driver.post(cookie: cookie, address: address, byteCount: byteCount)
  }

  /// Hands all that was posted to the device; true when it wants a bell for it.
  package mutating func publish() -> Bool { driver.publish() }

  /// Takes back the oldest buffer, if the device is done with it; nil when it is not.
  package mutating func reap() throws(RingFault) -> IoqCompletion? { try driver.reap() }

  /// Asks for no bells.
  package mutating func disableNotifications() { driver.disableNotifications() }

  /// Asks for a bell for the next entry that comes back. True when one did already.
  package mutating func enableNotifications() -> Bool { driver.enableNotifications() }
}
