/// Where things lie in a shm-signal, 16 bytes: magic, version, three bytes for each side, padding.
package enum ShmSignalLayout {
  package static let byteCount = 16
  package static let alignment = 4

  package static let magicNumber: UInt32 = 0x58fa_39df
  package static let versionNumber: UInt32 = 1

  package static let magic = 0
  package static let version = 4

  /// Whether that side accepts notifications; written by that side alone.
  package static func enabled(_ side: Side) -> Int { 8 + 3 * Int(side.rawValue) }
  /// A notification towards that side is under way.
  package static func pending(_ side: Side) -> Int { 9 + 3 * Int(side.rawValue) }
  /// The other side changed the memory.
  package static func dirty(_ side: Side) -> Int { 10 + 3 * Int(side.rawValue) }

  /// Makes a signal of 16 bytes, whatever was in them: nobody listens, nothing has changed.
  package static func format(_ words: some Words, at offset: Int) {
    words.storeRelaxed(UInt64(0), at: offset + 8)
    words.storeRelaxed(versionNumber, at: offset + version)
    // Last: what comes before it counts only with it.
    words.storeRelease(magicNumber, at: offset + magic)
  }
}
