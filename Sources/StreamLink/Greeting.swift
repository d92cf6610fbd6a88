internal import LinuxSystem

/// What each end says first on a stream, and again when it has lost the thread: which session this
/// is, and what it has received of it.
struct Greeting: Hashable, Sendable {
  var session: UInt64
  /// Counts this end's greetings.
  var number: UInt32
  /// The number of the peer's greeting behind which this end reads; 0 while it reads nothing.
  var seen: UInt32
  /// The last message received in its turn.
  var received: UInt64
  /// The session was never confirmed by the peer.
  var isNew: Bool

  /// As a length of a frame it is impossible.
  static let magic: [UInt8] = [0xb5, 0x76, 0x62, 0xff, 0x75, 0x73, 0x73, 0xf2]
  static let versionNumber: UInt32 = 1
  static let byteCount = 44

  var bytes: [UInt8] {
    var writer = WireWriter()
    writer.put(Self.versionNumber)
    writer.put(session)
    writer.put(number)
    writer.put(seen)
    writer.put(received)
    writer.put(UInt32(isNew ? 1 : 0))
    let body = Self.magic + writer.bytes
    writer = WireWriter()
    writer.put(Checksum.of(body))
    return body + writer.bytes
  }
}

extension Greeting {
  /// Takes so many bytes apart; nil for what is damaged.
  init?(_ bytes: [UInt8]) throws(StreamFault) {
    guard bytes.count == Self.byteCount, bytes.starts(with: Self.magic) else { return nil }
    var reader = WireReader(Array(bytes.dropFirst(Self.magic.count)))
    let version: UInt32
    do throws(WireError) {
      version = try reader.uint32()
      session = try reader.uint64()
      number = try reader.uint32()
      seen = try reader.uint32()
      received = try reader.uint64()
      isNew = try reader.uint32() & 1 != 0
      guard try reader.uint32() == Checksum.of(bytes.dropLast(4)) else { return nil }
    } catch { return nil }
    guard version == Self.versionNumber else { throw .wrongVersion(version) }
  }
}
