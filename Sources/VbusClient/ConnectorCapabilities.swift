/// What can be done over a connector beyond what all of them can.
public struct ConnectorCapabilities: Hashable, Sendable {
  /// The rings that travel over it.
  public var ringFormats: RingFormats
  /// The host works on the very bytes that the client sees. Without, memory is moved when a signal
  /// is rung or raised.
  public var sharesMemory: Bool
  /// A signal can have two eventfds of its own, which take no message. Without, a ring may move
  /// only when its signal is rung or events are asked for: whoever only looks at it looks in vain.
  public var hasOwnBells: Bool

  /// For a connector that says what it can.
  public init(ringFormats: RingFormats, sharesMemory: Bool, hasOwnBells: Bool) {
    self.ringFormats = ringFormats
    self.sharesMemory = sharesMemory
    self.hasOwnBells = hasOwnBells
  }
}

/// The layouts of rings.
public enum RingFormat: Hashable, Sendable {
  /// vbus's own: `Vbus.IoqLayout`. Its buffers all go one way.
  case ioq
  /// A split virtqueue in one piece: `VbusLink.VirtqueueLayout`.
  case virtqueue
}

/// Some of the layouts of rings.
public struct RingFormats: OptionSet, Hashable, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let ioq = RingFormats(rawValue: 1)
  public static let virtqueue = RingFormats(rawValue: 2)

  /// Whether rings of this layout are among them.
  public func contains(_ format: RingFormat) -> Bool {
    switch format {
    case .ioq: contains(Self.ioq)
    case .virtqueue: contains(Self.virtqueue)
    }
  }
}
