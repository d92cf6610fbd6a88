internal import SharedMemory

/// Chains that are filled together before any is given back, such as those of one received frame.
/// Its memory is taken once.
package struct LoanList: ~Copyable {
  /// Head, 16 bits; whether a predecessor had taken it, 1 bit; from bit 32 the bytes written.
  private var entries: FixedList<UInt64>

  package init(capacity: Int) { entries = FixedList(0, capacity: capacity) }

  package var count: Int { entries.count }
  package var isFull: Bool { entries.count == entries.capacity }

  /// Adds the newest chain, and how many bytes are written to it. Precondition: not full.
  package mutating func append(_ loan: consuming Loan, written: UInt32) {
    let isAgain = loan.isAgain
    let again: UInt64 = isAgain ? 1 << 16 : 0
    let isAdded = entries.append(UInt64(loan.settled()) | again | UInt64(written) << 32)
    precondition(isAdded, "a list of loans is full")
  }

  /// Gives all back as used, in their order. The driver sees them at the next `publish`.
  package mutating func settle<R: Ring & ~Copyable>(in ring: inout R) {
    for index in 0..<entries.count {
      ring.settle(loan(index), written: UInt32(entries[index] >> 32))
    }
    entries.removeAll()
  }

  /// Puts all back as if they had never been taken.
  package mutating func putBack<R: Ring & ~Copyable>(into ring: inout R) {
    for index in (0..<entries.count).reversed() {
      ring.putBack(loan(index))
    }
    entries.removeAll()
  }

  private func loan(_ index: Int) -> Loan {
    let entry = entries[index]
    return Loan(
      head: UInt16(truncatingIfNeeded: entry), isAgain: entry & 1 << 16 != 0)
  }

  /// Gives all up because the queue stops; see `Loan.forfeit`.
  package mutating func forfeit() { entries.removeAll() }
}
