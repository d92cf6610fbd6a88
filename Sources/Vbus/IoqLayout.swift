internal import Rings

/// Where things lie in an ioq: a head of 56 bytes with a signal and two indices, then descriptors
/// of 32 bytes.
package enum IoqLayout {
  package static let headerByteCount = 56
  package static let descriptorByteCount = 32
  package static let alignment = 8

  package static let magicNumber: UInt32 = 0x47fa_2fe4
  package static let versionNumber: UInt32 = 4

  package static let magic = 0
  package static let version = 4
  package static let signal = 8
  package static let count = 48

  /// Of both indices: the slot of the oldest entry, the slot behind the newest, and whether the
  /// two are the same slot because there is no room.
  package enum Index {
    /// The buffers that north has posted.
    package static let valid = 24
    /// Towards south: entries that south has not used yet. Towards north: used and not yet drained.
    package static let inUse = 36

    package static let head = 0
    package static let tail = 4
    package static let full = 8
  }

  // Of a descriptor.
  package static let cookie = 0
  package static let address = 8
  package static let length = 16
  /// There is an unused buffer in it; beside it, in the next byte, its owner.
  package static let isValid = 24
  package static let owner = 25

  @inline(__always)
  package static func descriptor(_ slot: UInt16) -> Int {
    headerByteCount &+ descriptorByteCount &* Int(slot)
  }

  package static func byteCount(_ size: IoqSize) -> Int {
    headerByteCount + descriptorByteCount * size.count
  }

  /// Makes an empty ring of all of `words`, whatever was in them. Precondition: they have exactly
  /// its size.
  package static func format(_ words: some Words, size: IoqSize) {
    precondition(words.byteCount == byteCount(size))
    for offset in stride(from: 0, to: words.byteCount, by: 8) {
      words.storeRelaxed(UInt64(0), at: offset)
    }
    ShmSignalLayout.format(words, at: signal)
    words.storeRelaxed(UInt32(size.rawValue), at: count)
    words.storeRelaxed(versionNumber, at: version)
    // Last: what comes before it counts only with it.
    words.storeRelease(magicNumber, at: magic)
  }

  /// Checks a ring that the peer has formatted: numbers, exact length, all four indices.
  package static func check(_ words: some Words) throws(RingFault) -> IoqSize {
    guard words.byteCount >= headerByteCount else {
      throw .wrongShape(count: 0, byteCount: words.byteCount)
    }
    let magic = words.relaxed32(at: magic)
    guard magic == magicNumber else { throw .wrongMagic(magic) }
    let version = words.relaxed32(at: version)
    guard version == versionNumber else { throw .wrongVersion(version) }
    let count = words.relaxed32(at: count)
    guard let size = IoqSize(count), byteCount(size) == words.byteCount else {
      throw .wrongShape(count: count, byteCount: words.byteCount)
    }
    for index in [Index.valid, Index.inUse] {
      _ = try slot(words, at: index + Index.head, of: size)
      _ = try slot(words, at: index + Index.tail, of: size)
    }
    return size
  }

  /// An index word, loaded once and checked.
  static func slot(
    _ words: some Words, at offset: Int, of size: IoqSize
  ) throws(RingFault) -> UInt16 {
    let index = words.relaxed32(at: offset)
    guard index < size.rawValue else { throw .noSuchIndex(index) }
    return UInt16(truncatingIfNeeded: index)
  }
}

extension IoqLayout {
  /// After the tail of `inUse` moved: says whether it met the head.
  ///
  /// Both sides write this byte: the other clears it when it moves the head. It is right when both
  /// are at rest, for a head that moved meanwhile is seen here; it is for people to see.
  @inline(__always)
  static func noteFull(_ words: some Words, tail: UInt16) {
    guard words.relaxed32(at: Index.inUse + Index.head) == UInt32(tail) else { return }
    noteFullNow(words, tail: tail)
  }

  @inline(never)
  private static func noteFullNow(_ words: some Words, tail: UInt16) {
    words.storeRelaxed(UInt8(1), at: Index.inUse + Index.full)
    words.fence()
    guard words.relaxed32(at: Index.inUse + Index.head) != UInt32(tail) else { return }
    words.storeRelaxed(UInt8(0), at: Index.inUse + Index.full)
  }
}
