package import Model

/// The answer to a request that changed something, as it is kept with the change.
package enum StoredAnswer: Equatable, Sendable {
  case done
  /// A new node, by its number.
  case entry(UInt64)
}

/// Which request a change belongs to: the slot it lies in and the kernel's number of it.
package struct AnsweredRequest: Equatable, Sendable {
  package let slot: Int
  package let unique: UInt64

  package init(slot: Int, unique: UInt64) {
    self.slot = slot
    self.unique = unique
  }
}

/// The configuration in SQLite: what people made survives every death of a process, and with
/// `isDurable` the loss of power too.
///
/// A change is committed together with the request that made it and the answer it got, so that a
/// request met twice is answered twice and applied once. Of each request slot only the newest
/// answer is kept, for a slot is taken again only after its request was answered.
package final class Store {
  private let database: Database

  /// Rows of a newer layout are not understood; an older one is brought up to date here.
  private static let layoutVersion = Int64(Tables.definitions.count)
  /// Of a store that is made here. One that is there keeps its own.
  private static let pageByteCount = 1024

  /// Opens or makes the store. Not durable means: no waiting for the disk, which is enough against
  /// all but the end of the kernel.
  package init(path: String, isDurable: Bool) throws(StoreError) {
    database = try Database(path: path)
    // One process uses it; so WAL needs no shared memory file beside it.
    try database.run("PRAGMA locking_mode = EXCLUSIVE")
    // A commit writes each page that it touches whole, and touches a few bytes of each.
    try database.run("PRAGMA page_size = \(Self.pageByteCount)")
    try database.run("PRAGMA journal_mode = WAL")
    try database.run("PRAGMA synchronous = \(isDurable ? "FULL" : "OFF")")
    try makeTables()
  }

  private func makeTables() throws(StoreError) {
    var version: Int64 = 0
    try database.run("PRAGMA user_version") { version = $0.integer(0) }
    guard version <= Self.layoutVersion else {
      throw .unreadable(
        "the store has layout \(version); this program knows up to \(Self.layoutVersion)")
    }
    guard version < Self.layoutVersion else { return }
    try transaction { () throws(StoreError) in
      for table in Tables.definitions[Int(max(0, version))...].joined() {
        try database.run(table)
      }
      try database.run("PRAGMA user_version = \(Self.layoutVersion)")
    }
  }

  /// Makes changes durable, all or none, with the request and its answer.
  package func commit(
    _ changes: [Change], answering request: AnsweredRequest?, with answer: StoredAnswer
  ) throws(StoreError) {
    try transaction { () throws(StoreError) in
      for change in changes {
        let statement = Tables.statement(for: change)
        try database.run(statement.text, statement.parameters)
      }
      guard let request else { return }
      let node: Column = if case .entry(let node) = answer { .bits(node) } else { .null }
      try database.run(
        "INSERT OR REPLACE INTO answered VALUES (?, ?, ?)",
        [.number(request.slot), .bits(request.unique), node])
    }
  }

  /// The answer that a request got when its change was committed; `nil` when it never was.
  package func answer(to request: AnsweredRequest) throws(StoreError) -> StoredAnswer? {
    var answer: StoredAnswer?
    try database.run(
      "SELECT node FROM answered WHERE slot = ? AND request = ?",
      [.number(request.slot), .bits(request.unique)]
    ) { row in answer = row.isNull(0) ? .done : .entry(row.bits(0)) }
    return answer
  }

  /// Forgets all answers: the numbers of requests begin anew with each mount.
  package func forgetAnswers() throws(StoreError) { try database.run("DELETE FROM answered") }

  /// Everything that is stored, as changes that build it up from nothing.
  package func load() throws(StoreError) -> [Change] {
    var changes: [Change] = []
    for table in Tables.loading {
      try database.run(table.query) { (row) throws(StoreError) in
        changes.append(try table.change(row))
      }
    }
    return changes
  }

  private func transaction(_ body: () throws(StoreError) -> Void) throws(StoreError) {
    try database.run("BEGIN IMMEDIATE")
    do throws(StoreError) {
      try body()
      try database.run("COMMIT")
    } catch {
      try? database.run("ROLLBACK")
      throw error
    }
  }
}
