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

extension RngCounter: CounterNumber {}

typealias RngCounters = Counters<RngCounter>
