internal import LinuxSystem

/// A piece of guest memory that lies in a file ("Memory regions description").
package struct Region: Sendable, Hashable {
  /// Names the descriptor of its file, in the keeper too. Never reused within a session.
  package let id: UInt32
  package let guestAddress: UInt64
  /// Where the front end has it mapped; ring addresses are given in these.
  package let userAddress: UInt64
  package let byteCount: UInt64
  /// Where it begins in the file.
  package let fileOffset: UInt64

  /// What a front end says of a region, before it has an id.
  struct Place: Sendable, Hashable {
    let guestAddress: UInt64
    let byteCount: UInt64
    let userAddress: UInt64
    let fileOffset: UInt64

    static let byteCount = 32

    init(
      guestAddress: UInt64, byteCount: UInt64, userAddress: UInt64, fileOffset: UInt64
    ) throws(SessionFault) {
      self.guestAddress = guestAddress
      self.byteCount = byteCount
      self.userAddress = userAddress
      self.fileOffset = fileOffset
      // A region exists, and neither its addresses nor its file positions run over. mmap(2) takes
      // the position as a signed number.
      guard byteCount > 0, !guestAddress.addingReportingOverflow(byteCount - 1).overflow,
        !userAddress.addingReportingOverflow(byteCount - 1).overflow,
        let length = Int64(exactly: byteCount), let offset = Int64(exactly: fileOffset),
        !offset.addingReportingOverflow(length).overflow
      else { throw .impossibleRegion }
    }

    init(_ words: Words) throws(SessionFault) {
      try self.init(
        guestAddress: words.guestAddress, byteCount: words.byteCount,
        userAddress: words.userAddress, fileOffset: words.fileOffset)
    }

    /// The four words of the wire, unchecked.
    struct Words {
      let guestAddress: UInt64
      let byteCount: UInt64
      let userAddress: UInt64
      let fileOffset: UInt64

      init(_ reader: inout WireReader) throws(WireError) {
        guestAddress = try reader.uint64()
        byteCount = try reader.uint64()
        userAddress = try reader.uint64()
        fileOffset = try reader.uint64()
      }
    }
  }

  init(id: UInt32, _ place: Place) {
    self.id = id
    guestAddress = place.guestAddress
    userAddress = place.userAddress
    byteCount = place.byteCount
    fileOffset = place.fileOffset
  }

  /// An address must mean one place, so regions of one table share none, in either space.
  func overlaps(_ place: Place) -> Bool {
    Self.overlap(guestAddress, byteCount, place.guestAddress, place.byteCount)
      || Self.overlap(userAddress, byteCount, place.userAddress, place.byteCount)
  }

  /// "identified by its guest address, user address and size. The mmap offset is ignored."
  func isNamed(by place: Place) -> Bool {
    guestAddress == place.guestAddress && userAddress == place.userAddress
      && byteCount == place.byteCount
  }

  private static func overlap(
    _ first: UInt64, _ firstCount: UInt64, _ second: UInt64, _ secondCount: UInt64
  ) -> Bool {
    first <= second ? second - first < firstCount : first - second < secondCount
  }
}
