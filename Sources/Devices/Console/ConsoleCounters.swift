internal import SharedMemory

/// The counters of a console, in the order of their words.
package enum ConsoleCounter: Int, CaseIterable, Sendable {
  case receivedBytes, transmittedBytes, dropped

  /// The name of its file: as the guest sees it, rx is towards the guest.
  package var name: String {
    switch self {
    case .receivedBytes: "rx_bytes"
    case .transmittedBytes: "tx_bytes"
    case .dropped: "dropped"
    }
  }
}

/// The counters in shared memory. This process alone writes them.
struct ConsoleCounters {
  private let words: SharedWindow

  /// Nil when there are too few words.
  init?(_ words: SharedWindow) {
    guard words.byteCount >= 8 * ConsoleCounter.allCases.count else { return nil }
    self.words = words
  }

  func add(_ amount: UInt64, to counter: ConsoleCounter) {
    guard amount > 0 else { return }
    let place = 8 * counter.rawValue
    words.storeRelaxed(words.relaxed64(at: place) &+ amount, at: place)
  }
}
