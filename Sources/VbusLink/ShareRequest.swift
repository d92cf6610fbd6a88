internal import LinuxSystem

/// What DEVSHM asks for: that a device and its client share a stretch of the client's memory.
package struct ShareRequest: Hashable, Sendable {
  package var handle: DeviceHandle
  /// Which of the device's memories; the device's type says what each is.
  package var id: UInt32
  package var byteCount: UInt32
  package var flags: UInt32
  /// Where in it a shm-signal lies; nil for none.
  package var signalOffset: UInt32?
  package var priority: UInt32
  /// Comes back in the signal's events.
  package var cookie: UInt64
  package var address: UInt64

  /// The signal has eventfds of its own, which came with the message: the host's bell, then the
  /// client's.
  package static let ownBells: UInt32 = 1
  /// The offset that means: no signal.
  private static let noSignal = UInt32.max

  package init(
    handle: DeviceHandle, id: UInt32, address: UInt64, byteCount: UInt32, flags: UInt32 = 0,
    signalOffset: UInt32? = nil, priority: UInt32 = 0, cookie: UInt64 = 0
  ) {
    self.handle = handle
    self.id = id
    self.byteCount = byteCount
    self.flags = flags
    self.signalOffset = signalOffset
    self.priority = priority
    self.cookie = cookie
    self.address = address
  }

  init(_ fields: Fields, from start: Int) {
    handle = DeviceHandle(rawValue: fields.word64(start))
    (id, byteCount) = (fields.word32(start + 8), fields.word32(start + 12))
    // The word at 20 is padding.
    flags = fields.word32(start + 16)
    let offset = fields.word32(start + 24)
    signalOffset = offset == Self.noSignal ? nil : offset
    priority = fields.word32(start + 28)
    (cookie, address) = (fields.word64(start + 32), fields.word64(start + 40))
  }

  func put(into writer: inout WireWriter) {
    writer.put(handle.rawValue)
    for word in [id, byteCount, flags, 0, signalOffset ?? Self.noSignal, priority] {
      writer.put(word)
    }
    writer.put(cookie)
    writer.put(address)
  }
}
