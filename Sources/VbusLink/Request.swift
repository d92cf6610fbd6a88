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
  case untold
  case addFastCall(address: UInt64)

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
    case .untold: .untold
    case .addFastCall: .addFastCall
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
    case .dropMemory(let address), .addFastCall(let address): writer.put(address)
    case .addEventQueue(let queue):
      writer.put(queue.count)
      writer.put(queue.priority)
      writer.put(queue.ring)
      writer.put(queue.records)
    case .ready, .untold: break
    }
    return writer.bytes
  }

  /// Takes a message apart that has exactly the length of its verb.
  init(_ verb: Verb, _ fields: Fields) {
    // Behind verb and tag.
    let start = 8
    func word32(_ offset: Int) -> UInt32 { fields.word32(start + offset) }
    func word64(_ offset: Int) -> UInt64 { fields.word64(start + offset) }
    switch verb {
    case .openDevice: self = .openDevice(id: word32(0), version: word32(4))
    case .closeDevice: self = .closeDevice(DeviceHandle(rawValue: word64(0)))
    case .callDevice:
      // The word at 20 is padding.
      self = .callDevice(
        DeviceHandle(rawValue: word64(0)), function: word32(8), byteCount: word32(12),
        flags: word32(16), address: word64(24))
    case .shareMemory: self = .shareMemory(ShareRequest(fields, from: start))
    case .signal: self = .signal(SignalHandle(rawValue: word32(0)))
    case .hello:
      self = .hello(
        magic: word32(0), version: word32(4), Capabilities(rawValue: word64(8)))
    case .addMemory:
      self = .addMemory(
        Region(address: word64(0), byteCount: word64(8), fileOffset: word64(16)))
    case .dropMemory: self = .dropMemory(address: word64(0))
    case .addEventQueue:
      self = .addEventQueue(
        EventQueue(
          count: word32(0), priority: word32(4), ring: word64(8), records: word64(16)))
    case .ready: self = .ready
    case .untold: self = .untold
    case .addFastCall: self = .addFastCall(address: word64(0))
    }
  }
}
