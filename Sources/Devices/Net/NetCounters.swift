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

extension NetCounter: CounterNumber {}

typealias NetCounters = Counters<NetCounter>
