/// The groups of capabilities of the interface "virtual-ethernet" (`VenetFunction.negotiate`). Of
/// any other group nothing is granted.
package enum VenetGroup: UInt32, CaseIterable, Sendable {
  case scatterGather = 0
  case events = 1
  /// Received packets larger than one frame (L4RO).
  case largeReceive = 2
}

/// What a driver may send and takes, group `scatterGather`.
package struct VenetScatterGather: OptionSet, Hashable, Sendable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Descriptors of both queues point to packet headers (`VenetPacket`) instead of frames.
  package static let scatterGather = VenetScatterGather(rawValue: 1)
  package static let tso4 = VenetScatterGather(rawValue: 2)
  package static let tso6 = VenetScatterGather(rawValue: 4)
  package static let ecn = VenetScatterGather(rawValue: 8)
  package static let ufo = VenetScatterGather(rawValue: 16)
  package static let descriptorPool = VenetScatterGather(rawValue: 32)
}

/// What a driver wants to hear of, group `events`.
package struct VenetEventKinds: OptionSet, Hashable, Sendable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  package static let linkState = VenetEventKinds(rawValue: 1)
  package static let transmitComplete = VenetEventKinds(rawValue: 2)
}
