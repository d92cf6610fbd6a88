public import LinuxSystem
public import Vbus
public import VbusLink

/// What is to be shared with a device.
public struct ShareWish {
  /// Which of the device's memories; the device's type says what each is.
  public var id: UInt32
  /// In which the bytes lie.
  public var memory: BusMemory
  /// Where in the memory it begins: at a multiple of 8.
  public var offset: Int
  /// How many bytes.
  public var byteCount: UInt32
  /// Which way the buffers of a ring go, if they all go one way.
  public var flow: Flow?
  /// Where in it a shm-signal lies; nil for none.
  public var signalOffset: UInt32?
  /// Of the signal's events; a higher one comes first.
  public var priority: UInt32 = 0
  /// Comes back in the signal's events.
  public var cookie: UInt64 = 0
  /// The signal is to have bells of its own, where the connector has any.
  public var wantsOwnBells = true

  /// What is to be shared; all else has a value that is usual.
  public init(
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

extension ShareWish {
  /// Whether a signal, if there is one, lies in the memory, at an aligned place.
  package static func holdsSignal(at offset: UInt32?, in byteCount: UInt32) -> Bool {
    guard let offset else { return true }
    return offset % UInt32(ShmSignalLayout.alignment) == 0
      && UInt64(offset) + UInt64(ShmSignalLayout.byteCount) <= UInt64(byteCount)
  }
}

/// The signal of shared memory, as its client has it.
public struct SharedSignal: Sendable {
  /// What `Connector.ring` calls it by.
  public let handle: SignalHandle
  /// Nil: ring by `Connector.ring`, hear by `Connector.nextEvent`.
  public let bells: Bells?

  /// An eventfd for each end.
  public struct Bells: Sendable {
    /// The client rings it and the host hears.
    public let host: EventDescriptor
    /// The host rings it and the client hears.
    public let client: EventDescriptor

    /// Makes both.
    public init() throws(Errno) {
      host = try EventDescriptor()
      client = try EventDescriptor()
    }
  }

  /// A signal, as a connector answers it.
  public init(handle: SignalHandle, bells: Bells? = nil) {
    self.handle = handle
    self.bells = bells
  }
}
