/// A guest physical address: what a driver writes into descriptors. It means nothing until
/// `GuestMemory` has found the bytes behind it.
package struct GuestAddress: RawRepresentable, BitwiseCopyable, Hashable, Comparable, Sendable {
  package let rawValue: UInt64

  @inlinable
  package init(rawValue: UInt64) { self.rawValue = rawValue }

  @inlinable
  package init(_ rawValue: UInt64) { self.rawValue = rawValue }

  package static func < (left: GuestAddress, right: GuestAddress) -> Bool {
    left.rawValue < right.rawValue
  }
}
