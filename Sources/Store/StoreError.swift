internal import CSQLite

/// Why the store could not do its work.
package struct StoreError: Error {
  /// SQLite's result code.
  package let code: Int32
  /// SQLite's sentence, or ours.
  package let sentence: String

  init(code: Int32, sentence: String = "out of memory") {
    self.code = code
    self.sentence = sentence
  }

  static func unreadable(_ sentence: String) -> StoreError {
    StoreError(code: SQLITE_CORRUPT, sentence: sentence)
  }

  /// The disk is full, and not something worse.
  package var isFull: Bool { code & 0xff == SQLITE_FULL }
}
