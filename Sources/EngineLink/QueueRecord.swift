package import SharedMemory

/// What an engine writes down of one queue.
package struct QueueRecord {
  package enum State: UInt32, Sendable { case stopped, running, faulted }

  private let words: SharedWindow

  init(_ words: SharedWindow) { self.words = words }

  package var size: UInt32 {
    get { words.relaxed32(at: 0) }
    nonmutating set { words.storeRelaxed(newValue, at: 0) }
  }

  package var state: State {
    get { State(rawValue: words.relaxed32(at: 4)) ?? .stopped }
    nonmutating set { words.storeRelaxed(newValue.rawValue, at: 4) }
  }

  /// The next entry that the device takes.
  package var availableIndex: UInt16 {
    get { words.relaxed16(at: 8) }
    nonmutating set { words.storeRelaxed(newValue, at: 8) }
  }

  /// The next entry that the device gives back.
  package var usedIndex: UInt16 {
    get { words.relaxed16(at: 12) }
    nonmutating set { words.storeRelaxed(newValue, at: 12) }
  }

  package var kicks: UInt64 {
    get { words.relaxed64(at: 16) }
    nonmutating set { words.storeRelaxed(newValue, at: 16) }
  }

  package var interrupts: UInt64 {
    get { words.relaxed64(at: 24) }
    nonmutating set { words.storeRelaxed(newValue, at: 24) }
  }

  /// Room for the log of requests in flight.
  package var log: SharedWindow { words.window(at: 64, byteCount: words.byteCount - 64) }
}
