/// Where the three parts of a ring are ("A vring address description"): user addresses, for the
/// IOMMU feature is not offered. For a packed ring `used` is the device's event structure and
/// `available` the driver's.
package struct RingAddresses: Sendable, Hashable {
  package let descriptors: UInt64
  package let used: UInt64
  package let available: UInt64
}

/// How one side is told of something.
package enum Doorbell: String, Sendable {
  /// Nothing was said yet.
  case unset
  /// An event descriptor came.
  case descriptor
  /// The front end said that there is none (bit 8, the invalid FD flag): it polls, or wants us to.
  case absent
}

/// What a front end has said of one queue ("Ring states").
package struct Vring: Sendable, Equatable {
  /// 0 until SET_VRING_NUM.
  package internal(set) var size: UInt16 = 0
  package internal(set) var addresses: RingAddresses?
  /// The next available index, where processing begins; after a stop, where it ended. For a packed
  /// ring both positions, each with its wrap counter in the highest of 16 bits.
  package internal(set) var base: UInt32 = 0
  package internal(set) var kick = Doorbell.unset
  package internal(set) var call = Doorbell.unset
  package internal(set) var error = Doorbell.unset
  /// Started by a kick descriptor or an in-band kick, stopped by GET_VRING_BASE.
  package internal(set) var isStarted = false
  /// The last SET_VRING_ENABLE, if any.
  package internal(set) var wasEnabled: Bool?

  /// Back to the stopped state. Call and error descriptors stay: a front end gives them once.
  mutating func reset() {
    size = 0
    addresses = nil
    base = 0
    kick = .unset
    isStarted = false
    wasEnabled = nil
  }
}
