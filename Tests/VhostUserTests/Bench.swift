import LinuxSystem
import VhostUser

/// The messages of a front end, built without one: right or wrong, as a test asks.
enum Bench {
  static let deviceFeatures: UInt64 = 1 << 32 | 1 << 29 | 1 << 28
  static let protocolBit: UInt64 = 1 << 30

  /// A device of two queues that nobody has talked to.
  static func fresh() -> Session { Session(features: deviceFeatures, queueCount: 2) }

  /// The same, with all that is offered acked.
  static func negotiated(
    features: UInt64 = deviceFeatures | protocolBit,
    protocolFeatures: ProtocolFeatures = .implemented
  ) throws -> Session {
    var session = fresh()
    try session.take(setProtocolFeatures(protocolFeatures.rawValue))
    try session.take(number(.setFeatures, features))
    return session
  }

  /// The same, with memory and a channel, and queue 0 running.
  static func running() throws -> Session {
    var session = try negotiated()
    try session.take(table([place(0, 0x1000)]), descriptors: 1)
    try session.take(Message(.setBackendChannel), descriptors: 1)
    try session.take(state(.setVringSize, 0, 128))
    try session.take(state(.setVringBase, 0, 7))
    try session.take(addresses(0))
    try session.take(number(.setVringCall, 0), descriptors: 1)
    try session.take(number(.setVringKick, 0), descriptors: 1)
    try session.take(state(.setVringEnabled, 0, 1))
    return session
  }

  static func setProtocolFeatures(_ bits: UInt64) -> Message {
    number(.setProtocolFeatures, bits)
  }

  static func number(_ request: Request, _ value: UInt64, needsReply: Bool = false) -> Message {
    Message(request, needsReply: needsReply, payload: payloadBytes { $0.put(value) })
  }

  static func state(
    _ request: Request, _ index: UInt32, _ value: UInt32, needsReply: Bool = false
  ) -> Message {
    Message(
      request, needsReply: needsReply,
      payload: payloadBytes {
        $0.put(index)
        $0.put(value)
      })
  }

  static func addresses(
    _ index: UInt32, flags: UInt32 = 0, descriptors: UInt64 = 0x1000, used: UInt64 = 0x3000,
    available: UInt64 = 0x2000
  ) -> Message {
    Message(
      .setVringAddresses,
      payload: payloadBytes {
        $0.put(index)
        $0.put(flags)
        $0.put(descriptors)
        $0.put(used)
        $0.put(available)
        $0.put(UInt64(0))
      })
  }

  /// Guest address, size, user address, offset: as on the wire.
  static func place(
    _ guest: UInt64, _ count: UInt64, user: UInt64? = nil, offset: UInt64 = 0
  ) -> [UInt64] {
    [guest, count, user ?? guest &+ 0x1_0000_0000, offset]
  }

  static func table(_ places: [[UInt64]], count: Int? = nil) -> Message {
    Message(
      .setMemoryTable,
      payload: payloadBytes { writer in
        writer.put(UInt32(count ?? places.count))
        writer.put(UInt32(0))
        for word in places.joined() { writer.put(word) }
      })
  }

  static func region(_ request: Request, _ place: [UInt64], needsReply: Bool = false) -> Message {
    Message(
      request, needsReply: needsReply,
      payload: payloadBytes { writer in
        writer.put(UInt64(0))
        for word in place { writer.put(word) }
      })
  }

  static func configuration(
    _ request: Request, offset: UInt32, count: UInt32, flags: UInt32 = 0, bytes: [UInt8]
  ) -> Message {
    let header = payloadBytes {
      $0.put(offset)
      $0.put(count)
      $0.put(flags)
    }
    return Message(request, payload: header + bytes)
  }
}

extension Session {
  /// Receives a message, with no descriptor unless told.
  @discardableResult
  mutating func take(_ message: Message, descriptors: Int = 0) throws(SessionFault) -> Effect {
    try receive(message, descriptorCount: descriptors)
  }
}
