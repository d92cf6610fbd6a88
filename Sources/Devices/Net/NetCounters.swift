internal import SharedMemory

/// The counters of a network card, in the order of their words, named as the guest sees them: rx
/// is towards the guest.
package enum NetCounter: Int, CaseIterable, Sendable {
  case rxPackets, rxBytes, rxDropped, rxErrors
  case txPackets, txBytes, txDropped, txErrors

  /// The name of its file.
  package var name: String {
    switch self {
    case .rxPackets: "rx_packets"
    case .rxBytes: "rx_bytes"
    case .rxDropped: "rx_dropped"
    case .rxErrors: "rx_errors"
    case .txPackets: "tx_packets"
    case .txBytes: "tx_bytes"
    case .txDropped: "tx_dropped"
    case .txErrors: "tx_errors"
    }
  }
}

/// A card's counters in shared memory. This process alone writes them.
struct NetCounters {
  private let words: SharedWindow

  /// Nil when there are too few words.
  init?(_ words: SharedWindow) {
    guard words.byteCount >= 8 * NetCounter.allCases.count else { return nil }
    self.words = words
  }

  func add(_ amount: Int = 1, to counter: NetCounter) {
    guard amount != 0 else { return }
    let place = 8 * counter.rawValue
    words.storeRelaxed(words.relaxed64(at: place) &+ UInt64(amount), at: place)
  }
}
