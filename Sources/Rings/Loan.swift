/// A chain the driver lent us. It is handed back exactly once: the compiler refuses a second time,
/// and dropping one stops a debug build, for the driver would never get its buffers back.
///
/// Public, as all that a ring's data path uses from here: Swift 6.3 moves code across modules only
/// where it is public and inlinable.
@frozen
public struct Loan: ~Copyable {
  /// The chain's first descriptor, by which the driver knows it.
  public let head: UInt16
  /// A predecessor had taken it already.
  public let isAgain: Bool

  /// A ring lends out what it took; nobody else makes one.
  @inlinable @inline(__always)
  public init(head: UInt16, isAgain: Bool = false) {
    self.head = head
    self.isAgain = isAgain
  }

  deinit { assertionFailure("a chain was dropped") }

  /// Ends the loan: the ring that lent it has it back.
  @inlinable @inline(__always)
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
