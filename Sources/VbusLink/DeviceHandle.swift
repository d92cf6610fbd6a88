/// An open device as its client names it: a number of one session, never given twice.
package struct DeviceHandle: RawRepresentable, Hashable, Sendable {
  package let rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }
}
