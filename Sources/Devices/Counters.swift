internal import SharedMemory

/// The counters of a class, numbered in the order of their words.
protocol CounterNumber: RawRepresentable<Int>, CaseIterable, Sendable {}

/// A device's counters in shared memory. This process alone writes them.
struct Counters<Counter: CounterNumber> {
  private let words: SharedWindow

  /// Nil when there are too few words.
  init?(_ words: SharedWindow) {
    guard words.byteCount >= 8 * Counter.allCases.count else { return nil }
    self.words = words
  }

  func add(_ amount: UInt64 = 1, to counter: Counter) {
    guard amount != 0 else { return }
    let place = 8 * counter.rawValue
    words.storeRelaxed(words.relaxed64(at: place) &+ amount, at: place)
  }

  func add(_ amount: Int, to counter: Counter) { add(UInt64(amount), to: counter) }
}
