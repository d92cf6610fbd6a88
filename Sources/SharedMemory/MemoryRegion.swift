/// One piece of a guest's memory as its front end describes it: a guest physical range, where the
/// front end sees it, and where it lies in a file.
package struct MemoryRegion: Hashable, Sendable {
  package let guestAddress: UInt64
  /// The address in the front end's own space; vhost-user names rings by it.
  package let userAddress: UInt64
  package let byteCount: UInt64
  package let fileOffset: UInt64

  package init(guestAddress: UInt64, userAddress: UInt64, byteCount: UInt64, fileOffset: UInt64) {
    self.guestAddress = guestAddress
    self.userAddress = userAddress
    self.byteCount = byteCount
    self.fileOffset = fileOffset
  }

  /// False when a range is empty or runs past the end of its address space.
  var isWellFormed: Bool {
    guard byteCount > 0 else { return false }
    return [guestAddress, userAddress, fileOffset].allSatisfy { start in
      !start.addingReportingOverflow(byteCount).overflow
    }
  }

  func overlaps(_ other: MemoryRegion) -> Bool {
    func meet(_ one: UInt64, _ two: UInt64) -> Bool {
      one < two + other.byteCount && two < one + byteCount
    }
    return meet(guestAddress, other.guestAddress) || meet(userAddress, other.userAddress)
  }
}
