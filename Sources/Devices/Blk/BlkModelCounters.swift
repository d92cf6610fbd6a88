/// The counters of a disk, in the order of their words.
package enum BlkCounter: Int, CaseIterable, Sendable {
  case readOperations, readBytes
  case writeOperations, writeBytes
  case flushOperations
  case discardOperations, discardBytes
  case writeZeroesOperations, writeZeroesBytes
  case errors

  /// The name of its file.
  package var name: String {
    switch self {
    case .readOperations: "read_ops"
    case .readBytes: "read_bytes"
    case .writeOperations: "write_ops"
    case .writeBytes: "write_bytes"
    case .flushOperations: "flush_ops"
    case .discardOperations: "discard_ops"
    case .discardBytes: "discard_bytes"
    case .writeZeroesOperations: "write_zeroes_ops"
    case .writeZeroesBytes: "write_zeroes_bytes"
    case .errors: "errors"
    }
  }
}

extension BlkCounter: CounterNumber {}

typealias BlkCounters = Counters<BlkCounter>
