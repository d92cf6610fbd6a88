internal import LinuxSystem

/// The first twelve bytes of a message, checked before anything else is read.
package struct MessageHeader: Sendable, Equatable {
  package let code: UInt32
  package let flags: Message.Flags
  package let payloadByteCount: Int

  package var messageByteCount: Int { Limits.headerByteCount + payloadByteCount }

  /// Checks version and length ("Header"). Flags above bit 3 mean nothing and are ignored.
  package init(_ bytes: [UInt8]) throws(SessionFault) {
    var reader = WireReader(bytes)
    let words: (UInt32, UInt32, UInt32)
    do { words = (try reader.uint32(), try reader.uint32(), try reader.uint32()) } catch {
      throw .truncatedHeader
    }
    guard words.1 & Message.Flags.versionMask == Message.Flags.version1.rawValue else {
      throw .version(words.1 & Message.Flags.versionMask)
    }
    guard words.2 <= Limits.payloadByteCountMax else { throw .payloadTooLong(words.2) }
    code = words.0
    flags = Message.Flags(rawValue: words.1)
    payloadByteCount = Int(words.2)
  }
}

extension Message {
  /// A message from exactly its bytes.
  package init(parsing bytes: [UInt8]) throws(SessionFault) {
    let header = try MessageHeader(Array(bytes.prefix(Limits.headerByteCount)))
    guard bytes.count == header.messageByteCount else {
      throw .payloadSize(header.code, max(0, bytes.count - Limits.headerByteCount))
    }
    self.init(
      code: header.code, flags: header.flags,
      payload: Array(bytes.dropFirst(Limits.headerByteCount)))
  }
}
