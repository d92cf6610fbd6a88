/// What both ends of a connection can do beyond the verbs themselves, agreed on by HELLO. Unknown
/// bits are not agreed on, which is all that has to be known of them.
package struct Capabilities: OptionSet, Hashable, Sendable {
  package let rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }

  /// A signal can ride on two eventfds of its own.
  package static let ownBells = Capabilities(rawValue: 1 << 0)
  /// Events can come through rings in the client's memory.
  package static let eventQueues = Capabilities(rawValue: 1 << 1)

  /// Requests can come through a block in the client's memory.
  package static let fastCalls = Capabilities(rawValue: 1 << 2)

  package static let implemented: Capabilities = [.ownBells, .eventQueues, .fastCalls]
}
