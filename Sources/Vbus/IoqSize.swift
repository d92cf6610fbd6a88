/// The number of entries of an ioq: 1 to 2048, any number. A value that exists is valid.
public struct IoqSize: Hashable, Sendable {
  /// The original's limit. It also keeps an entry's number within 16 bits.
  public static let most = 2048

  public let rawValue: UInt16

  public init?(_ count: some BinaryInteger) {
    guard let value = UInt16(exactly: count), (1...Self.most).contains(Int(value)) else {
      return nil
    }
    rawValue = value
  }

  public var count: Int { Int(rawValue) }

  /// The slot behind `slot`.
  @inline(__always)
  package func after(_ slot: UInt16) -> UInt16 {
    let next = slot &+ 1
    return next == rawValue ? 0 : next
  }

  /// The slot before `slot`.
  @inline(__always)
  package func before(_ slot: UInt16) -> UInt16 { (slot == 0 ? rawValue : slot) &- 1 }

  /// The slot `distance` behind `slot`; the distance is at most a whole lap.
  @inline(__always)
  package func slot(_ distance: UInt16, after slot: UInt16) -> UInt16 {
    let sum = slot &+ distance
    return sum >= rawValue ? sum &- rawValue : sum
  }
}
