/// The host's end of a signal as its client names it: a number of one session, from 0 up, never
/// given twice.
package struct SignalHandle: RawRepresentable, Hashable, Sendable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }
}
