internal import CSQLite

/// One column of a row, or one parameter of a statement.
enum Column: Equatable {
  case null
  case integer(Int64)
  case text(String)
  case blob([UInt8])

  /// 64-bit masks and node numbers keep their bits; SQLite's integers are signed.
  static func bits(_ value: UInt64) -> Column { .integer(Int64(bitPattern: value)) }
  static func number(_ value: some BinaryInteger) -> Column { .integer(Int64(clamping: value)) }
}

/// An open SQLite database with its prepared statements.
@safe final class Database {
  private let handle: OpaquePointer
  private var statements: [String: OpaquePointer] = unsafe [:]

  init(path: String) throws(StoreError) {
    var opened: OpaquePointer?
    let flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW
    // SAFETY: the string lives for the call; SQLite sets the handle even when it fails.
    let code = unsafe sqlite3_open_v2(path, &opened, flags, nil)
    guard let opened = unsafe opened else { throw StoreError(code: SQLITE_NOMEM) }
    unsafe handle = opened
    guard code == SQLITE_OK else { throw failure(code) }
  }

  deinit {
    unsafe statements.values.forEach { unsafe sqlite3_finalize($0) }
    unsafe sqlite3_close_v2(handle)
  }

  /// Runs a statement and calls `row` for each of its rows.
  func run(
    _ text: String, _ parameters: [Column] = [],
    row: (Row) throws(StoreError) -> Void = { _ throws(StoreError) in }
  ) throws(StoreError) {
    let statement = try unsafe prepared(text)
    // SAFETY: the statement belongs to this open database until deinit.
    defer { unsafe sqlite3_reset(statement) }
    for (index, parameter) in parameters.enumerated() {
      let code = unsafe bind(parameter, to: statement, at: Int32(index + 1))
      guard code == SQLITE_OK else { throw failure(code) }
    }
    while true {
      switch unsafe sqlite3_step(statement) {
      case SQLITE_ROW: try row(unsafe Row(statement))
      case SQLITE_DONE: return
      case let code: throw failure(code)
      }
    }
  }

  private func prepared(_ text: String) throws(StoreError) -> OpaquePointer {
    if let statement = unsafe statements[text] { return unsafe statement }
    var statement: OpaquePointer?
    // SAFETY: the string lives for the call.
    let code = unsafe sqlite3_prepare_v3(
      handle, text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
    guard code == SQLITE_OK, let statement = unsafe statement else { throw failure(code) }
    unsafe statements[text] = statement
    return unsafe statement
  }

  private func bind(_ column: Column, to statement: OpaquePointer, at index: Int32) -> Int32 {
    // SAFETY: SQLITE_TRANSIENT (-1) makes SQLite copy the bytes during the call.
    let copied = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    switch column {
    case .null: return unsafe sqlite3_bind_null(statement, index)
    case .integer(let value): return unsafe sqlite3_bind_int64(statement, index, value)
    case .text(let text):
      // With its length, for a text may have a NUL in it.
      return unsafe sqlite3_bind_text(statement, index, text, Int32(text.utf8.count), copied)
    case .blob(let bytes):
      return unsafe sqlite3_bind_blob(statement, index, bytes, Int32(bytes.count), copied)
    }
  }

  private func failure(_ code: Int32) -> StoreError {
    StoreError(code: code, sentence: unsafe String(cString: sqlite3_errmsg(handle)))
  }
}

/// The present row of a running statement.
@safe struct Row {
  private let statement: OpaquePointer

  fileprivate init(_ statement: OpaquePointer) { unsafe self.statement = statement }

  // SAFETY, for all: an index out of range or of another type gives 0 or an empty value.

  func integer(_ index: Int32) -> Int64 { unsafe sqlite3_column_int64(statement, index) }

  func bits(_ index: Int32) -> UInt64 { UInt64(bitPattern: integer(index)) }

  func word(_ index: Int32) -> UInt32 { UInt32(truncatingIfNeeded: integer(index)) }

  func isNull(_ index: Int32) -> Bool {
    unsafe sqlite3_column_type(statement, index) == SQLITE_NULL
  }

  func text(_ index: Int32) -> String { String(decoding: blob(index), as: UTF8.self) }

  func blob(_ index: Int32) -> [UInt8] {
    let start = unsafe sqlite3_column_blob(statement, index)
    let count = Int(unsafe sqlite3_column_bytes(statement, index))
    return unsafe Array(UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
  }
}
