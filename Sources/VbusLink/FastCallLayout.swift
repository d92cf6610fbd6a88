package import SharedMemory

/// A block of a client's memory through which its requests and their replies go, with two bells and
/// without the socket: the original's fastcall. A request is the message that the socket would carry,
/// one at a time; those with descriptors need the socket.
///
/// The client writes length and request, then counts `asked` up, then rings; the host writes the
/// reply, then `answered` as far, then rings. A request is under way while the two differ.
package enum FastCallLayout {
  package static let byteCount = 128
  package static let alignment = 8

  /// `vfcb`, the first letter lowest.
  package static let magicNumber: UInt32 = 0x6263_6676
  package static let versionNumber: UInt32 = 1

  package static let magic = 0
  package static let version = 4
  package static let asked = 8
  package static let answered = 12
  package static let length = 16
  /// The longest message of a client fits.
  package static let request = 32
  package static let requestByteCountMax = 64
  package static let reply = 96

  package static func setReply(_ reply: Reply, in window: SharedWindow) {
    let words = reply.words
    window.storeRelaxed(words.0, at: self.reply)
    window.storeRelaxed(words.1, at: self.reply + 8)
    window.storeRelaxed(words.2, at: self.reply + 16)
  }

  /// Nil for what is no reply.
  package static func reply(in window: SharedWindow) -> Reply? {
    Reply(
      words: (
        window.relaxed64(at: reply), window.relaxed64(at: reply + 8),
        window.relaxed64(at: reply + 16)
      ))
  }

  /// Makes an empty block, whatever was in it. Precondition: the window has exactly its size.
  package static func format(_ window: SharedWindow) {
    precondition(window.byteCount == byteCount)
    for offset in stride(from: 0, to: byteCount, by: 8) {
      window.storeRelaxed(UInt64(0), at: offset)
    }
    window.storeRelaxed(versionNumber, at: version)
    // Last: what comes before it counts only with it.
    window.storeRelease(magicNumber, at: magic)
  }

  /// Whether a client has formatted the block.
  package static func isFormatted(_ window: SharedWindow) -> Bool {
    window.byteCount == byteCount && window.relaxed32(at: magic) == magicNumber
      && window.relaxed32(at: version) == versionNumber
  }
}
