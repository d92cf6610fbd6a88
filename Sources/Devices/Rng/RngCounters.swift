internal import SharedMemory

/// The counters of a source of random bytes, in the order of their words.
package enum RngCounter: Int, CaseIterable, Sendable {
  case bytes, requests

  /// The name of its file.
  package var name: String {
    switch self {
    case .bytes: "bytes"
    case .requests: "requests"
    }
  }
}

/// The counters in shared memory. This process alone writes them.
struct RngCounters {
  private let words: SharedWindow

  /// Nil when there are too few words.
  init?(_ words: SharedWindow) {
    guard words.byteCount >= 8 * RngCounter.allCases.count else { return nil }
    self.words = words
  }

  func add(_ amount: UInt64, to counter: RngCounter) {
    let place = 8 * counter.rawValue
    words.storeRelaxed(words.relaxed64(at: place) &+ amount, at: place)
  }
}
