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

extension ConsoleCounter: CounterNumber {}

typealias ConsoleCounters = Counters<ConsoleCounter>
