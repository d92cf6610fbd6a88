internal import LinuxSystem

/// One message of a client, taken apart. Any numbers, for a peer may send any.
///
/// On the wire: verb and tag, 32 bits each, then exactly the verb's payload, little-endian, with the
/// original's layouts where it has the verb. The tag comes back in the reply.
package enum Request: Hashable, Sendable {
  case openDevice(id: UInt32, version: UInt32)
  case closeDevice(DeviceHandle)
  case callDevice(DeviceHandle, function: UInt32, byteCount: UInt32, flags: UInt32, address: UInt64)
  case shareMemory(ShareRequest)
  case signal(SignalHandle)
  case hello(magic: UInt32, version: UInt32, Capabilities)
  case addMemory(Region)
  case dropMemory(address: UInt64)
  case addEventQueue(EventQueue)
  case ready

  /// The bridge's number, and the version of the set of verbs.
  package static let magicNumber: UInt32 = 0xbf53_eef5
  package static let versionNumber: UInt32 = 1
}

extension Request {
  package var verb: Verb {
    switch self {
    case .openDevice: .openDevice
    case .closeDevice: .closeDevice
    case .callDevice: .callDevice
    case .shareMemory: .shareMemory
    case .signal: .signal
    case .hello: .hello
    case .addMemory: .addMemory
    case .dropMemory: .dropMemory
    case .addEventQueue: .addEventQueue
    case .ready: .ready
    }
  }

  /// The message as a client sends it.
  package func bytes(tag: UInt32) -> [UInt8] {
    var writer = WireWriter()
    writer.put(verb.rawValue)
    writer.put(tag)
    switch self {
    case .openDevice(let id, let version):
      writer.put(id)
      writer.put(version)
      // Where the original answers the handle.
      writer.put(UInt64(0))
    case .closeDevice(let handle): writer.put(handle.rawValue)
    case .callDevice(let handle, let function, let byteCount, let flags, let address):
      writer.put(handle.rawValue)
      for word in [function, byteCount, flags, 0] { writer.put(word) }
      writer.put(address)
    case .shareMemory(let share): share.put(into: &writer)
    case .signal(let handle): writer.put(handle.rawValue)
    case .hello(let magic, let version, let capabilities):
      writer.put(magic)
      writer.put(version)
      writer.put(capabilities.rawValue)
    case .addMemory(let region):
      for word in [region.address, region.byteCount, region.fileOffset] { writer.put(word) }
    case .dropMemory(let address): writer.put(address)
    case .addEventQueue(let queue):
      writer.put(queue.count)
      writer.put(queue.priority)
      writer.put(queue.ring)
      writer.put(queue.records)
    case .ready: break
    }
    return writer.bytes
  }

  /// Takes the payload of a verb apart; nil when it has another length.
  init?(_ verb: Verb, _ reader: WireReader, byteCount: Int) {
    guard byteCount == verb.payloadByteCount else { return nil }
    var reader = reader
    do { self = try Self.parse(verb, &reader) } catch { return nil }
  }

  private static func parse(
    _ verb: Verb, _ reader: inout WireReader
  ) throws(WireError) -> Request {
    switch verb {
    case .openDevice: .openDevice(id: try reader.uint32(), version: try reader.uint32())
    case .closeDevice: .closeDevice(DeviceHandle(rawValue: try reader.uint64()))
    case .callDevice: try parseCall(&reader)
    case .shareMemory: .shareMemory(try ShareRequest(&reader))
    case .signal: .signal(SignalHandle(rawValue: try reader.uint32()))
    case .hello:
      .hello(
        magic: try reader.uint32(), version: try reader.uint32(),
        Capabilities(rawValue: try reader.uint64()))
    case .addMemory:
      .addMemory(
        Region(
          address: try reader.uint64(), byteCount: try reader.uint64(),
          fileOffset: try reader.uint64()))
    case .dropMemory: .dropMemory(address: try reader.uint64())
    case .addEventQueue:
      .addEventQueue(
        EventQueue(
          count: try reader.uint32(), priority: try reader.uint32(), ring: try reader.uint64(),
          records: try reader.uint64()))
    case .ready: .ready
    }
  }

  private static func parseCall(_ reader: inout WireReader) throws(WireError) -> Request {
    let handle = DeviceHandle(rawValue: try reader.uint64())
    let words = (try reader.uint32(), try reader.uint32(), try reader.uint32())
    // Padding: not looked at.
    _ = try reader.uint32()
    return .callDevice(
      handle, function: words.0, byteCount: words.1, flags: words.2, address: try reader.uint64())
  }
}
