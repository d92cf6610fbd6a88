internal import SharedMemory

/// Chains that are filled together before any is given back, such as those of one received frame.
/// Its memory is taken once.
package struct LoanList: ~Copyable {
  private var heads: FixedList<Entry>

  private struct Entry: BitwiseCopyable {
    let head: UInt16
    let isAgain: Bool
    var written: UInt32
  }

  package init(capacity: Int) { heads = FixedList(capacity: capacity) }

  package var count: Int { heads.count }
  package var isFull: Bool { heads.count == heads.capacity }

  /// Adds the newest chain, and how many bytes are written to it. Precondition: not full.
  package mutating func append(_ loan: consuming Loan, written: UInt32) {
    let isAgain = loan.isAgain
    let isAdded = heads.append(
      Entry(head: loan.settled(), isAgain: isAgain, written: written))
    precondition(isAdded, "a list of loans is full")
  }

  /// Gives all back as used, in their order. The driver sees them at the next `publish`.
  package mutating func settle<R: Ring & ~Copyable>(in ring: inout R) {
    for index in 0..<heads.count {
      let entry = heads[index]
      ring.settle(Loan(head: entry.head, isAgain: entry.isAgain), written: entry.written)
    }
    heads.removeAll()
  }

  /// Puts all back as if they had never been taken.
  package mutating func putBack<R: Ring & ~Copyable>(into ring: inout R) {
    for index in (0..<heads.count).reversed() {
      ring.putBack(Loan(head: heads[index].head, isAgain: heads[index].isAgain))
    }
    heads.removeAll()
  }

  /// Gives all up because the queue stops; see `Loan.forfeit`.
  package mutating func forfeit() { heads.removeAll() }
}
