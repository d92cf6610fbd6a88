/// A part of a client's memory, in a memory file. Addresses in all other messages are the client's
/// own, and mean what is here.
package struct Region: Hashable, Sendable {
  package let address: UInt64
  package let byteCount: UInt64
  package let fileOffset: UInt64

  package init(address: UInt64, byteCount: UInt64, fileOffset: UInt64) {
    self.address = address
    self.byteCount = byteCount
    self.fileOffset = fileOffset
  }

  /// False when it is empty or runs past the end of its addresses or of all files.
  var isWellFormed: Bool {
    byteCount > 0 && !address.addingReportingOverflow(byteCount).overflow
      && !fileOffset.addingReportingOverflow(byteCount).overflow
  }

  /// Both are well formed.
  func overlaps(_ other: Region) -> Bool {
    address < other.address + other.byteCount && other.address < address + byteCount
  }

  func holds(_ start: UInt64, _ count: UInt64) -> Bool {
    start >= address && start - address <= byteCount && byteCount - (start - address) >= count
  }
}
