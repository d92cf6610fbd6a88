/// The host's end of a signal as its client names it: a number of one session, from 0 up, never
/// given twice.
public struct SignalHandle: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }
}
