/// An error that is planted in the words which a program uses.
package enum Mutation: Equatable {
  case noFence
  /// Only the one right behind a store at this offset.
  case noFenceBehind(Int)
  case noRelease
  /// Storing this value at this offset does nothing.
  case lost(Int, UInt64)
  /// Loads are made before a store that they ought to follow.
  case hoisted(EarlyLoads)

  var early: EarlyLoads? {
    guard case .hoisted(let early) = self else { return nil }
    return early
  }
}
