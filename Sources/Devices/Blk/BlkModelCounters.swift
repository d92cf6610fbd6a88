internal import SharedMemory

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

/// The disk's counters in shared memory. This process alone writes them.
struct BlkCounters {
  private let words: SharedWindow

  /// Nil when there are too few words.
  init?(_ words: SharedWindow) {
    guard words.byteCount >= 8 * BlkCounter.allCases.count else { return nil }
    self.words = words
  }

  func add(_ amount: UInt64 = 1, to counter: BlkCounter) {
    let place = 8 * counter.rawValue
    words.storeRelaxed(words.relaxed64(at: place) &+ amount, at: place)
  }
}
