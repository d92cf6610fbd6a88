internal import LinuxSystem
internal import Vbus
internal import VbusLink

/// A message is its number, one byte, and what belongs to it; all numbers little-endian.
extension StreamMessage {
  fileprivate enum Kind: UInt8 {
    case open = 1, close, call, share, untold, ring, chain
    case hello = 32, reply, event, done, raised
    case data = 64, bye
  }

  private static let none = UInt32.max

  package var bytes: [UInt8] {
    var writer = WireWriter()
    switch self {
    case .open(let tag, let id, let version): writer.put(.open, tag, id, version)
    case .close(let tag, let handle):
      writer.put(.close, tag)
      writer.put(handle.rawValue)
    case .call(let tag, let handle, let function, let flags, let data):
      writer.put(.call, tag, function, flags)
      writer.put(handle.rawValue)
      return writer.bytes + data
    case .share(let tag, let share):
      writer.put(.share, tag, share.id, share.priority)
      writer.put(share.handle.rawValue)
      Self.put(share.kind, into: &writer)
    case .untold(let tag): writer.put(.untold, tag)
    case .ring(let share): writer.put(.ring, share)
    case .chain(let chain):
      writer.put(
        .chain, chain.share, chain.number, chain.readable, chain.writable,
        chain.pool?.share ?? Self.none, chain.pool?.offset ?? 0, UInt32(chain.last))
    case .hello(let formats): writer.put(.hello, formats)
    case .reply(let tag, let errno, let value, let data):
      writer.put(.reply, tag, UInt32(bitPattern: errno?.rawValue ?? 0))
      writer.put(value)
      return writer.bytes + data
    case .event(let event):
      writer.put(.event)
      return writer.bytes + event.record
    case .done(let share, let chain, let written, let last):
      writer.put(.done, share, chain, written, UInt32(last))
    case .raised(let share): writer.put(.raised, share)
    case .data(let share, let chain, let bytes):
      writer.put(.data, share, chain)
      return writer.bytes + bytes
    case .bye(let sentence):
      writer.put(.bye)
      return writer.bytes + sentence.utf8.prefix(StreamLimits.sentenceByteCountMax)
    }
    return writer.bytes
  }

  private static func put(_ kind: StreamShare.Kind, into writer: inout WireWriter) {
    let words: [UInt32] =
      switch kind {
      case .ioq(let size, .toDevice): [0, size, 0]
      case .ioq(let size, .fromDevice): [1, size, 0]
      case .virtqueue(let size): [2, size, 0]
      case .bytes(let byteCount, let signalOffset): [3, byteCount, signalOffset ?? none]
      }
    for word in words { writer.put(word) }
  }

  /// Takes a message apart; nil for what is none.
  package init?(_ bytes: [UInt8]) {
    guard let message = try? Self.read(bytes) else { return nil }
    self = message
  }

  private static func read(_ bytes: [UInt8]) throws(WireError) -> StreamMessage {
    var reader = WireReader(bytes)
    guard let kind = Kind(rawValue: try reader.byte()) else { throw WireError() }
    return try read(kind, &reader, bytes)
  }

  private static func read(
    _ kind: Kind, _ reader: inout WireReader, _ bytes: [UInt8]
  ) throws(WireError) -> StreamMessage {
    func word() throws(WireError) -> UInt32 { try reader.uint32() }
    func rest(from start: Int, atMost limit: Int) throws(WireError) -> [UInt8] {
      guard bytes.count - start <= limit else { throw WireError() }
      return Array(bytes[start...])
    }
    func whole(_ message: StreamMessage) throws(WireError) -> StreamMessage {
      guard reader.isAtEnd else { throw WireError() }
      return message
    }
    switch kind {
    case .open: return try whole(.open(tag: try word(), id: try word(), version: try word()))
    case .close:
      return try whole(.close(tag: try word(), DeviceHandle(rawValue: try reader.uint64())))
    case .call:
      let (tag, function, flags) = (try word(), try word(), try word())
      let handle = DeviceHandle(rawValue: try reader.uint64())
      let data = try rest(from: 21, atMost: Int(VbusLink.Limits.callByteCountMax))
      return .call(tag: tag, handle, function: function, flags: flags, data: data)
    case .share:
      let (tag, id, priority) = (try word(), try word(), try word())
      let handle = DeviceHandle(rawValue: try reader.uint64())
      let kind = try shareKind([try word(), try word(), try word()])
      return try whole(
        .share(tag: tag, StreamShare(handle: handle, id: id, priority: priority, kind: kind)))
    case .untold: return try whole(.untold(tag: try word()))
    case .ring: return try whole(.ring(share: try word()))
    case .chain:
      let words = [
        try word(), try word(), try word(), try word(), try word(), try word(), try word(),
      ]
      return try whole(.chain(try chain(words)))
    case .hello: return try whole(.hello(formats: try word()))
    case .reply:
      let (tag, number) = (try word(), try reader.int32())
      let (value, data) = (
        try reader.uint64(), try rest(from: 17, atMost: Int(VbusLink.Limits.callByteCountMax))
      )
      let errno = number == 0 ? nil : Errno(rawValue: number)
      return .reply(tag: tag, errno: errno, value: value, data: data)
    case .event:
      guard let event = Event(record: Array(bytes.dropFirst())) else { throw WireError() }
      return .event(event)
    case .done:
      let (share, chain, written, last) = (try word(), try word(), try word(), try word())
      guard let last = UInt8(exactly: last) else { throw WireError() }
      return try whole(.done(share: share, chain: chain, written: written, last: last))
    case .raised: return try whole(.raised(share: try word()))
    case .data:
      let (share, chain) = (try word(), try word())
      let bytes = try rest(from: 9, atMost: StreamLimits.pieceByteCount)
      guard !bytes.isEmpty else { throw WireError() }
      return .data(share: share, chain: chain, bytes)
    case .bye:
      let bytes = try rest(from: 1, atMost: StreamLimits.sentenceByteCountMax)
      return .bye(String(decoding: bytes, as: UTF8.self))
    }
  }

  private static func shareKind(_ words: [UInt32]) throws(WireError) -> StreamShare.Kind {
    switch words[0] {
    case 0: return .ioq(size: words[1], .toDevice)
    case 1: return .ioq(size: words[1], .fromDevice)
    case 2: return .virtqueue(size: words[1])
    case 3:
      return .bytes(byteCount: words[1], signalOffset: words[2] == none ? nil : words[2])
    default: throw WireError()
    }
  }

  private static func chain(_ words: [UInt32]) throws(WireError) -> StreamChain {
    guard let last = UInt8(exactly: words[6]),
      UInt64(words[2]) + UInt64(words[3]) <= UInt64(StreamLimits.chainByteCountMax)
    else { throw WireError() }
    let pool =
      words[4] == none ? nil : StreamChain.Pool(share: words[4], offset: words[5])
    return StreamChain(
      share: words[0], number: words[1], readable: words[2], writable: words[3], last: last,
      pool: pool)
  }
}

extension WireWriter {
  fileprivate mutating func put(_ kind: StreamMessage.Kind, _ words: UInt32...) {
    put(kind.rawValue)
    for word in words { put(word) }
  }
}
