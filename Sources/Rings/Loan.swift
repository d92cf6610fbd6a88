/// A chain the driver lent us. It is handed back exactly once: the compiler refuses a second time,
/// and dropping one stops a debug build, for the driver would never get its buffers back.
///
/// Public, as all that a ring's data path uses from here: Swift 6.3 moves code across modules only
/// where it is public and inlinable.
@frozen
public struct Loan: ~Copyable {
  /// In one word, which stays in a register.
  @usableFromInline let word: UInt64

  /// The chain's first descriptor, by which the driver knows it.
  @inlinable
  public var head: UInt16 { UInt16(truncatingIfNeeded: word) }
  /// A predecessor had taken it already.
  @inlinable
  public var isAgain: Bool { word >> 16 != 0 }

  /// A ring lends out what it took; nobody else makes one.
  @inlinable
  public init(head: UInt16, isAgain: Bool = false) {
    word = UInt64(head) | (isAgain ? 1 << 16 : 0)
  }

  @inlinable
  deinit { assertionFailure("a chain was dropped") }

  /// Ends the loan: the ring that lent it has it back.
  @inlinable
  public consuming func settled() -> UInt16 {
    let settledHead = head
    discard self
    return settledHead
  }

  /// Gives the chain up because its queue stops: the driver gets everything back by its reset, or
  /// the next device that takes the queue over finds the chain in flight.
  @inlinable
  public consuming func forfeit() { discard self }
}
