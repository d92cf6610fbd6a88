/// A chain the driver lent us. It is handed back exactly once: the compiler refuses a second time,
/// and dropping one stops a debug build, for the driver would never get its buffers back.
package struct Loan: ~Copyable {
  /// The chain's first descriptor, by which the driver knows it.
  package let head: UInt16
  /// A predecessor had taken it already.
  let isAgain: Bool

  init(head: UInt16, isAgain: Bool = false) {
    self.head = head
    self.isAgain = isAgain
  }

  deinit { assertionFailure("a chain was dropped") }

  consuming func settled() -> UInt16 {
    let settledHead = head
    discard self
    return settledHead
  }

  /// Gives the chain up because its queue stops: the driver gets everything back by its reset, or
  /// the next device that takes the queue over finds the chain in flight.
  package consuming func forfeit() { discard self }
}
