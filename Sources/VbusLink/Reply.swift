package import LinuxSystem

/// The answer to a request: its verb and tag, an errno (0 for none), and a number: the device's
/// handle, the signal's handle, what was agreed on, or what a device call answered.
package struct Reply: Hashable, Sendable {
  package let verb: UInt32
  package let tag: UInt32
  package let errno: Errno?
  package let value: UInt64

  package static let byteCount = 24
  /// Set in the first word.
  package static let bit: UInt32 = 1 << 31

  package init(verb: UInt32, tag: UInt32, errno: Errno? = nil, value: UInt64 = 0) {
    self.verb = verb
    self.tag = tag
    self.errno = errno
    self.value = value
  }

  /// A refusal of a message of which no more than its head has to make sense; nil when it has none.
  package init?(to message: [UInt8], errno: Errno) {
    guard message.count >= Limits.headerByteCount else { return nil }
    let fields = Fields(message)
    self.init(verb: fields.word32(0) & ~Self.bit, tag: fields.word32(4), errno: errno)
  }

  /// The message as three words, the first byte lowest.
  package var words: (UInt64, UInt64, UInt64) {
    let number = UInt32(bitPattern: errno?.rawValue ?? 0)
    return (UInt64(tag) << 32 | UInt64(verb | Self.bit), UInt64(number), value)
  }

  package var bytes: [UInt8] {
    var writer = WireWriter()
    for word in [words.0, words.1, words.2] { writer.put(word) }
    return writer.bytes
  }

  /// Nil for what is no reply.
  package init?(words: (UInt64, UInt64, UInt64)) {
    let first = UInt32(truncatingIfNeeded: words.0)
    guard first & Self.bit != 0 else { return nil }
    let number = Int32(truncatingIfNeeded: words.1)
    self.init(
      verb: first & ~Self.bit, tag: UInt32(truncatingIfNeeded: words.0 >> 32),
      errno: number == 0 ? nil : Errno(rawValue: number), value: words.2)
  }

  /// Nil for what is no reply.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    let fields = Fields(bytes)
    self.init(words: (fields.word64(0), fields.word64(8), fields.word64(16)))
  }
}
