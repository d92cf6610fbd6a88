package import LinuxSystem

/// One message of the protocol, in either direction: the request's number, flags, payload.
/// Numbers are in the machine's byte order ("Message Specification"), little-endian on all
/// machines that vbusfs supports.
package struct Message: Sendable, Equatable {
  /// The flag word ("Header").
  package struct Flags: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Version 1, in the lowest two bits.
    package static let version1 = Flags(rawValue: 1)
    /// This answers a request.
    package static let reply = Flags(rawValue: 1 << 2)
    /// The sender wants to know how it went.
    package static let needsReply = Flags(rawValue: 1 << 3)
    static let versionMask: UInt32 = 3
  }

  /// The number of the request. Any, for a peer may send any.
  package let code: UInt32
  package let flags: Flags
  package let payload: [UInt8]

  package init(code: UInt32, flags: Flags = .version1, payload: [UInt8] = []) {
    self.code = code
    self.flags = flags
    self.payload = payload
  }

  /// A request of a front end.
  package init(_ request: Request, needsReply: Bool = false, payload: [UInt8] = []) {
    self.init(
      code: request.rawValue, flags: needsReply ? [.version1, .needsReply] : .version1,
      payload: payload)
  }

  /// What the number means, from a front end; `nil` when the specification has no such number.
  package var request: Request? { Request(rawValue: code) }

  /// What the number means, from a back end.
  package var backendRequest: BackendRequest? { BackendRequest(rawValue: code) }

  package var byteCount: Int { Limits.headerByteCount + payload.count }

  package var bytes: [UInt8] {
    var writer = WireWriter()
    writer.put(code)
    writer.put(flags.rawValue)
    writer.put(UInt32(payload.count))
    return writer.bytes + payload
  }

  /// The reply to this message: its number, version 1, the reply flag and nothing else, which is
  /// what User-Mode Linux compares with.
  package func reply(_ payload: [UInt8]) -> Message {
    Message(code: code, flags: [.version1, .reply], payload: payload)
  }

  package func reply(_ value: UInt64) -> Message { reply(payloadBytes { $0.put(value) }) }

  /// The payload when it is one 64-bit number.
  package func number() throws(SessionFault) -> UInt64 {
    try decode { (reader) throws(WireError) in try reader.uint64() }
  }

  /// Takes the whole payload apart: too short and too long are both refused.
  func decode<Value>(
    _ body: (inout WireReader) throws(WireError) -> Value
  ) throws(SessionFault) -> Value {
    var reader = WireReader(payload)
    let value: Value
    do { value = try body(&reader) } catch { throw .payloadSize(code, payload.count) }
    guard reader.isAtEnd else { throw .payloadSize(code, payload.count) }
    return value
  }
}

/// Builds a payload.
package func payloadBytes(_ body: (inout WireWriter) -> Void) -> [UInt8] {
  var writer = WireWriter()
  body(&writer)
  return writer.bytes
}
