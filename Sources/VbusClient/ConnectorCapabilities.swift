/// What can be done over a connector beyond what all of them can.
package struct ConnectorCapabilities: Hashable, Sendable {
  /// The rings that travel over it.
  package var ringFormats: RingFormats
  /// The host works on the very bytes that the client sees. Without, memory is moved when a signal
  /// is rung or raised, and whoever polls rings without bells polls in vain.
  package var sharesMemory: Bool
  /// A signal can have two eventfds of its own, which take no message.
  package var hasOwnBells: Bool

  package init(ringFormats: RingFormats, sharesMemory: Bool, hasOwnBells: Bool) {
    self.ringFormats = ringFormats
    self.sharesMemory = sharesMemory
    self.hasOwnBells = hasOwnBells
  }
}

/// The layouts of rings.
package enum RingFormat: Hashable, Sendable {
  /// vbus's own: `Vbus.IoqLayout`. Its buffers all go one way.
  case ioq
  /// A split virtqueue in one piece: `VbusLink.VirtqueueLayout`.
  case virtqueue
}

package struct RingFormats: OptionSet, Hashable, Sendable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let ioq = RingFormats(rawValue: 1)
  package static let virtqueue = RingFormats(rawValue: 2)

  package func contains(_ format: RingFormat) -> Bool {
    switch format {
    case .ioq: contains(Self.ioq)
    case .virtqueue: contains(Self.virtqueue)
    }
  }
}
