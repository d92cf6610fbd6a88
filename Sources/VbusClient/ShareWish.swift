package import LinuxSystem
package import Vbus
package import VbusLink

/// What is to be shared with a device.
package struct ShareWish {
  /// Which of the device's memories; the device's type says what each is.
  package var id: UInt32
  package var memory: BusMemory
  /// Where in the memory it begins: at a multiple of 8.
  package var offset: Int
  package var byteCount: UInt32
  /// Which way the buffers of a ring go, if they all go one way.
  package var flow: Flow?
  /// Where in it a shm-signal lies; nil for none.
  package var signalOffset: UInt32?
  /// Of the signal's events; a higher one comes first.
  package var priority: UInt32 = 0
  /// Comes back in the signal's events.
  package var cookie: UInt64 = 0
  /// The signal is to have bells of its own, where the connector has any.
  package var wantsOwnBells = true

  package init(
    id: UInt32, memory: BusMemory, offset: Int, byteCount: UInt32, signalOffset: UInt32? = nil,
    cookie: UInt64 = 0
  ) {
    self.id = id
    self.memory = memory
    self.offset = offset
    self.byteCount = byteCount
    self.signalOffset = signalOffset
    self.cookie = cookie
  }
}

/// The signal of shared memory, as its client has it.
package struct SharedSignal: Sendable {
  package let handle: SignalHandle
  /// Nil: ring by `Connector.ring`, hear by `Connector.nextEvent`.
  package let bells: Bells?

  package struct Bells: Sendable {
    /// The client rings it and the host hears.
    package let host: EventDescriptor
    /// The host rings it and the client hears.
    package let client: EventDescriptor

    package init() throws(Errno) {
      host = try EventDescriptor()
      client = try EventDescriptor()
    }
  }

  package init(handle: SignalHandle, bells: Bells? = nil) {
    self.handle = handle
    self.bells = bells
  }
}
