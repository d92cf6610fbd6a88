/// A guest physical address: what a driver writes into descriptors. It means nothing until
/// `GuestMemory` has found the bytes behind it.
public struct GuestAddress: RawRepresentable, BitwiseCopyable, Hashable, Comparable, Sendable {
  public let rawValue: UInt64

  @inlinable
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  @inlinable
  public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  public static func < (left: GuestAddress, right: GuestAddress) -> Bool {
    left.rawValue < right.rawValue
  }
}
