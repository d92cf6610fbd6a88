internal import LinuxSystem
internal import StreamLink
internal import VbusClient
internal import VbusLink

/// One session of a relay: the client's wishes carried out on the bus, and what the bus says told
/// to the client.
final class RelaySession {
  let client: BusClient
  let line: StreamLine
  /// Where bells of shared memory are waited for.
  let watched: DescriptorSet
  var devices: [DeviceHandle: RelayedDevice] = [:]
  var shares: [UInt32: RelayedShare] = [:]
  private var lastShare: UInt32 = 0
  let arena: RelayArena

  init(
    on client: BusClient, _ line: StreamLine, in watched: DescriptorSet
  ) throws(BusError) {
    self.client = client
    self.line = line
    self.watched = watched
    arena = RelayArena(client)
    do throws(Errno) { try watched.add(client.descriptor) } catch { throw .exhausted(error) }
    let formats = client.connector.capabilities.ringFormats
    line.send(.hello(formats: UInt32(formats.rawValue)))
  }

  /// The bus closes all devices.
  func end() {
    for share in shares.values { forgetBell(of: share) }
    watched.remove(client.descriptor)
    client.disconnect()
  }

  func nextShare() -> UInt32 {
    lastShare &+= 1
    return lastShare
  }

  func forgetBell(of share: RelayedShare) {
    if share.share.signal?.bells != nil { watched.remove(share.share.descriptor) }
  }

  // MARK: From the client

  func take(_ message: StreamMessage) throws(RelayEnd) {
    switch message {
    case .open(let tag, let id, let version):
      try answer(tag) { () throws(BusError) in
        guard devices.count < StreamLimits.devicesMax else { throw .refused(.noSpace) }
        let device = try client.open(id, version: version)
        devices[device.handle] = RelayedDevice(connection: device)
        return (device.handle.rawValue, [])
      }
    case .close(let tag, let handle):
      let isClosed = try answer(tag) { () throws(BusError) in
        let device = try device(handle)
        try postAll()
        try device.connection.close()
        return (0, [])
      }
      if isClosed { forget(handle) }
    case .call(let tag, let handle, let function, let flags, let data):
      try call(tag, handle, function, flags, data)
    case .share(let tag, let wish):
      try answer(tag) { () throws(BusError) in (UInt64(try share(wish)), []) }
    case .untold(let tag): try untold(tag)
    case .ring(let number):
      guard let share = shares[number] else { throw .fault(.unknownMessage) }
      do throws(BusError) { try share.ringForClient() } catch { throw .host(error) }
    case .chain(let chain): try queue(chain.share).begin(chain, pool(chain))
    case .data(let share, let chain, let bytes): try queue(share).append(bytes, to: chain)
    case .bye: throw .left
    case .hello, .reply, .event, .done, .raised: throw .fault(.unknownMessage)
    }
  }

  /// Carries out a request and answers it; false when it was refused. What the devices were done
  /// with goes before.
  @discardableResult
  func answer(
    _ tag: UInt32, _ body: () throws(BusError) -> (UInt64, [UInt8])
  ) throws(RelayEnd) -> Bool {
    var (errno, value, data): (Errno?, UInt64, [UInt8]) = (nil, 0, [])
    do throws(BusError) { (value, data) = try body() } catch {
      switch error {
      case .refused(let refusal): errno = refusal
      case .noRoom: errno = .noMemory
      default: throw .host(error)
      }
    }
    try reapAll()
    line.send(.reply(tag: tag, errno: errno, value: value, data: data))
    return errno == nil
  }

  func device(_ handle: DeviceHandle) throws(BusError) -> RelayedDevice {
    guard let device = devices[handle] else { throw .refused(.noEntry) }
    return device
  }

  private func queue(_ number: UInt32) throws(RelayEnd) -> RelayedQueue {
    guard let queue = shares[number]?.queue else { throw .fault(.unknownMessage) }
    return queue
  }

  /// Where a chain's one buffer lies, if it lies in other shared memory.
  private func pool(_ chain: StreamChain) throws(RelayEnd) -> RelayBuffer? {
    guard let pool = chain.pool else { return nil }
    guard let buffer = shares[pool.share]?.buffer,
      shares[pool.share]?.handle == shares[chain.share]?.handle,
      let part = buffer.buffer.part(
        from: Int(pool.offset), Int(chain.readable) + Int(chain.writable))
    else { throw .fault(.unknownMessage) }
    return RelayBuffer(memory: buffer.memory, buffer: part)
  }
}
