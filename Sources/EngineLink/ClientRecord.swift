package import LinuxSystem
package import SharedMemory

/// What an engine writes down of a native client, in a memory file that outlives it: the message it
/// is at work on, and the session as lines of text with the reply that goes with them.
///
/// A message is received straight into one of two slots in turn. When it was answered the other slot
/// is emptied, and one store of the count makes that one the present. So a successor knows exactly
/// which message was begun and not finished: the one in the present slot, if there is any. If there is
/// a reply to it, beside the slot or with the lines that it changed, that one is sent again, and
/// nothing is done.
///
/// Layout (little-endian):
///
///     0      magic, version
///     16     messages finished; text selector; when the client attached
///     64     two slots of 64 bytes: a message each, all ones where none is
///     192    the length of each slot's message, 0 while it is not known
///     200    of each slot, whether its message came by a fast call, and which
///     216    of each slot, the reply to its message, whose first word is not 0
///     4096   the lines, twice: number, length and reply, then the text
package final class ClientRecord {
  /// What the lines of a session may take together.
  package static let textByteCountMax = textStride - textHeaderByteCount
  /// Longer messages are refused unread.
  package static let messageByteCountMax = 64

  package let file: Descriptor
  private let shared: SharedFile
  private let words: SharedWindow

  private static let magic: UInt64 = 0x544e_4549_4c43_5542
  private static let version: UInt32 = 2
  private static let textOffset = 4096
  /// Pages that nobody touches take no memory.
  private static let textStride = 2 << 20
  private static let textHeaderByteCount = 64
  private static let replyByteCountMax = 32
  private static let replyWordCount = 3

  private enum Word {
    static let finished = 16
    static let selector = 24
    static let since = 32
    static let slots = 64
    static let lengths = 192
    static let fastCalls = 200
    static let replies = 216
  }

  // Of the header of a text.
  private static let number = 0
  private static let byteCount = 8
  private static let replyByteCount = 12
  private static let reply = 16

  private static var recordByteCount: Int { textOffset + 2 * textStride }

  /// Makes the record of a client that attached just now, in nanoseconds since 1970.
  package static func make(since: UInt64) throws(Errno) -> ClientRecord {
    let file = try makeMemoryFile("vbusfs-client", byteCount: recordByteCount)
    let record = try ClientRecord(mapping: file)
    record.words.storeRelaxed(version, at: 8)
    record.words.storeRelaxed(since, at: Word.since)
    record.empty(0)
    record.empty(1)
    record.words.storeRelease(magic, at: 0)
    return record
  }

  /// Maps a predecessor's record; `.stale` when the file is none that this program understands.
  package convenience init(_ file: Descriptor) throws(Errno) {
    guard try facts(of: file).byteCount == UInt64(Self.recordByteCount) else { throw .stale }
    try self.init(mapping: file)
    guard words.acquire64(at: 0) == Self.magic, words.relaxed32(at: 8) == Self.version else {
      throw .stale
    }
  }

  private init(mapping file: Descriptor) throws(Errno) {
    self.file = file
    shared = try SharedFile(mapping: file, byteCount: Self.recordByteCount, writable: true)
    words = shared.window(at: 0, byteCount: Self.textOffset)
  }

  package var since: UInt64 { words.relaxed64(at: Word.since) }

  // MARK: The message at work

  /// How many messages were finished.
  package var finished: UInt64 { words.acquire64(at: Word.finished) }

  /// Receives the next message; empty at the end of the connection. Throws `.again` when none waits.
  package func receive(
    from socket: Descriptor, descriptorsMax: Int
  ) throws(Errno) -> (bytes: [UInt8], descriptors: [Descriptor]) {
    let slot = Int(finished & 1)
    let (count, descriptors) = try window(of: slot).receive(
      from: socket, descriptorsMax: descriptorsMax)
    words.storeRelease(UInt32(clamping: count), at: Word.lengths + 4 * slot)
    return (bytes(in: slot, count), descriptors)
  }

  /// Takes over the message of a fast call, the client's `number`-th, from its memory, where it is
  /// looked at once. Precondition: the window has room for the longest message.
  package func receive(
    _ window: SharedWindow, at offset: Int, byteCount: Int, fastCall number: UInt32
  ) -> [UInt8] {
    let slot = Int(finished & 1)
    let place = self.window(of: slot)
    words.storeRelaxed(UInt64(number) << 1 | 1, at: Word.fastCalls + 8 * slot)
    words.storeRelaxed(UInt32(byteCount), at: Word.lengths + 4 * slot)
    for word in stride(from: 8, to: Self.messageByteCountMax, by: 8) {
      place.storeRelaxed(window.relaxed64(at: offset + word), at: word)
    }
    // Last: with it there is a message, as far as a successor can tell.
    place.storeRelease(window.relaxed64(at: offset), at: 0)
    return bytes(in: slot, byteCount)
  }

  /// By which fast call the message at work came; nil for one of the socket.
  package var fastCall: UInt32? {
    let word = words.relaxed64(at: Word.fastCalls + 8 * Int(finished & 1))
    return word == 0 ? nil : UInt32(truncatingIfNeeded: word >> 1)
  }

  /// The message that a predecessor had begun; nil when it had none. Its length is not known when it
  /// died in the moment of receiving: then it has as many bytes as `length` says of its first word.
  package func begun(length: (UInt32) -> Int?) -> [UInt8]? {
    let slot = Int(finished & 1)
    let first = window(of: slot).relaxed32(at: 0)
    guard first != .max else { return nil }
    let known = Int(words.relaxed32(at: Word.lengths + 4 * slot))
    return bytes(in: slot, known > 0 ? known : length(first) ?? 8)
  }

  /// Writes down the reply to the message at work, before anybody gets it: who got it may use what
  /// was lent for the message for something else. The first word of a reply is not 0.
  package func setReply(_ words: (UInt64, UInt64, UInt64)) {
    let place = replyPlace(Int(finished & 1))
    self.words.storeRelaxed(words.1, at: place + 8)
    self.words.storeRelaxed(words.2, at: place + 16)
    self.words.storeRelease(words.0, at: place)
  }

  private func replyPlace(_ slot: Int) -> Int { Word.replies + 8 * Self.replyWordCount * slot }

  /// The message at work is answered.
  package func finish() {
    let finished = finished
    empty(Int((finished & 1) ^ 1))
    words.storeRelease(finished &+ 1, at: Word.finished)
  }

  private func empty(_ slot: Int) {
    words.storeRelaxed(UInt32(0), at: Word.lengths + 4 * slot)
    words.storeRelaxed(UInt64(0), at: Word.fastCalls + 8 * slot)
    words.storeRelaxed(UInt64(0), at: replyPlace(slot))
    let window = window(of: slot)
    for offset in stride(from: 0, to: Self.messageByteCountMax, by: 8) {
      window.storeRelaxed(UInt64.max, at: offset)
    }
  }

  private func window(of slot: Int) -> SharedWindow {
    words.window(
      at: Word.slots + slot * Self.messageByteCountMax, byteCount: Self.messageByteCountMax)
  }

  /// As many bytes as there are, at most a slot's.
  private func bytes(in slot: Int, _ count: Int) -> [UInt8] {
    shared.bytes(
      at: Word.slots + slot * Self.messageByteCountMax,
      byteCount: min(count, Self.messageByteCountMax))
  }

  // MARK: The session

  /// The session as lines; none before the first change.
  package var lines: [String] {
    let bytes = shared.bytes(at: area + Self.textHeaderByteCount, byteCount: textByteCount)
    return bytes.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The reply to the message at work, where it was done and what it changed is in the lines.
  package var pendingReply: [UInt8]? {
    let place = replyPlace(Int(finished & 1))
    guard words.acquire64(at: place) == 0 else {
      return shared.bytes(at: place, byteCount: 8 * Self.replyWordCount)
    }
    return replyOfLines
  }

  private var replyOfLines: [UInt8]? {
    guard words.acquire64(at: Word.selector) > 0 else { return nil }
    let header = shared.window(at: area, byteCount: Self.textHeaderByteCount)
    let count = Int(header.relaxed32(at: Self.replyByteCount))
    guard header.relaxed64(at: Self.number) == finished &+ 1, count <= Self.replyByteCountMax
    else { return nil }
    return shared.bytes(at: area + Self.reply, byteCount: count)
  }

  /// Writes both down at once: a reader sees the old ones or the new ones. `reply` is nil where no
  /// message led to this. False when the lines are too long, and nothing changes.
  package func save(_ lines: [String], reply: [UInt8]?) -> Bool {
    let text = Array(lines.joined(separator: "\n").utf8)
    guard text.count <= Self.textByteCountMax else { return false }
    let reply = reply ?? replyOfLines
    let number = reply == nil ? 0 : finished &+ 1
    let selector = words.relaxed64(at: Word.selector) &+ 1
    let area = Self.area(selector)
    let header = shared.window(at: area, byteCount: Self.textHeaderByteCount)
    shared.setBytes(text, at: area + Self.textHeaderByteCount)
    shared.setBytes(Array((reply ?? []).prefix(Self.replyByteCountMax)), at: area + Self.reply)
    header.storeRelaxed(number, at: Self.number)
    header.storeRelaxed(UInt32(text.count), at: Self.byteCount)
    header.storeRelaxed(UInt32(reply?.count ?? 0), at: Self.replyByteCount)
    words.storeRelease(selector, at: Word.selector)
    return true
  }

  private var area: Int { Self.area(words.acquire64(at: Word.selector)) }

  private static func area(_ selector: UInt64) -> Int {
    textOffset + Int(selector & 1) * textStride
  }

  private var textByteCount: Int {
    let header = shared.window(at: area, byteCount: Self.textHeaderByteCount)
    return min(Int(header.relaxed32(at: Self.byteCount)), Self.textByteCountMax)
  }
}
