/// An open device as its client names it: a number of one session, never given twice.
public struct DeviceHandle: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
}
