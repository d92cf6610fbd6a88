/// The functions of the interface type "virtual-ethernet" (`DEVCALL`), a card's own interface
/// beside virtio's functions. All numbers are little-endian; the data of a call has exactly the
/// length told here, else EINVAL.
package enum VenetFunction: UInt32, CaseIterable, Sendable {
  /// Frames pass from here on. EEXIST when they do already; EINVAL unless the rings of both queues
  /// are shared, and with event bits negotiated those of the event queue as well.
  case linkUp = 0
  /// All that was posted is processed, then nothing passes any more. ENOENT when nothing did.
  case linkDown
  /// Out: the card's address, 6 bytes as they stand in a frame.
  case queryAddress
  /// In: a group of capabilities and the bits wanted of it, 32 bits each. Out: the group, and those
  /// of the bits that are granted. Only while the link is down, else EINVAL.
  case negotiate
  /// Gives all receive buffers back with nothing in them, without a signal: a driver does so before
  /// it posts larger ones. EINVAL while the link is down.
  case flushReceiving
  /// The pool of transmit descriptors, capability PMTD. It is never granted: EINVAL.
  case queryDescriptorPool
  /// Out: `VenetEvents`; in: its flags, which are 0. Only while the link is down and after a bit of
  /// the group of events was granted, else EINVAL.
  case queryEvents
  /// The pool of pages for large received packets. Its group is never granted: EINVAL.
  case queryPages

  package static let interfaceType = "virtual-ethernet"
  package static let version: UInt32 = 1

  /// The exact length of the call's data.
  package var byteCount: Int {
    switch self {
    case .linkUp, .linkDown, .flushReceiving, .queryDescriptorPool, .queryPages: 0
    case .queryAddress: 6
    case .negotiate: 8
    case .queryEvents: VenetEvents.queryByteCount
    }
  }
}

/// The shared memories of the interface (`DEVSHM`). The driver crosses none: it transmits on
/// `transmit`.
package enum VenetShare {
  package static let receive: UInt32 = 0
  package static let transmit: UInt32 = 1
  /// Told by `VenetFunction.queryEvents`, and the numbers that this host gives them.
  package static let eventPool: UInt32 = 100
  package static let eventQueue: UInt32 = 101
}
