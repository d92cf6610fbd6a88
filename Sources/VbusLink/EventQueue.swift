/// A ring of the client's through which events of one priority come: an ioq towards the client, and
/// as many records as it has entries. Its bells, the host's and the client's, come with the message.
package struct EventQueue: Hashable, Sendable {
  package let count: UInt32
  package let priority: UInt32
  package let ring: UInt64
  package let records: UInt64

  package init(count: UInt32, priority: UInt32, ring: UInt64, records: UInt64) {
    self.count = count
    self.priority = priority
    self.ring = ring
    self.records = records
  }
}
