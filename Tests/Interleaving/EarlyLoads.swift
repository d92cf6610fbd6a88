/// Loads of `offsets` are made when `trigger` is stored to, before the store.
package final class EarlyLoads: Equatable {
  let trigger: Int
  let offsets: [Int]
  var answers: [Int: UInt64] = [:]

  package init(_ offsets: [Int], before trigger: Int) {
    self.offsets = offsets
    self.trigger = trigger
  }

  func answer(at offset: Int) -> UInt64? { answers.removeValue(forKey: offset) }

  package static func == (one: EarlyLoads, other: EarlyLoads) -> Bool { one === other }
}
