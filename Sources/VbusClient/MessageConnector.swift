package import LinuxSystem
package import VbusLink

/// A connector whose way to the host takes the bus's own messages, with descriptors beside them: it
/// passes requests on, and the rest of most members is here.
package protocol MessageConnector: Connector {
  /// What its client has made: the same value from the beginning on.
  var space: ClientSpace { get set }
  /// What came from the host and nobody has taken.
  var inbox: Inbox { get set }

  /// Sends a request and waits for its reply; answers its number.
  func ask(_ request: Request, _ descriptors: [Descriptor]) throws(BusError) -> UInt64
}

/// The addresses of a client's memory, and the memory through which its calls go.
package struct ClientSpace {
  fileprivate var next: UInt64 = 1 << 32
  fileprivate var callMemory: BusMemory?

  /// Between two memories, so that an address behind one is in none.
  private static let step: UInt64 = 1 << 21

  package init() {}

  /// Makes memory at the next address. EINVAL for a size that is none, ENOSPC when no address is
  /// left.
  package func memory(byteCount: Int) throws(BusError) -> BusMemory {
    let memory: BusMemory
    do throws(Errno) { memory = try BusMemory(at: next, byteCount: byteCount) } catch {
      throw error == .invalid ? .refused(.invalid) : .exhausted(error)
    }
    guard end(of: memory) != nil else { throw .refused(.noSpace) }
    return memory
  }

  /// The host has it: its addresses are used up.
  package mutating func take(_ memory: BusMemory) { next = end(of: memory) ?? next }

  private func end(of memory: BusMemory) -> UInt64? {
    let (end, overflow) = (memory.address + UInt64(memory.byteCount))
      .addingReportingOverflow(2 * Self.step)
    return overflow ? nil : end / Self.step * Self.step
  }
}

extension MessageConnector {
  public func makeMemory(byteCount: Int) throws(BusError) -> BusMemory {
    let memory = try space.memory(byteCount: byteCount)
    let region = Region(
      address: memory.address, byteCount: UInt64(memory.byteCount), fileOffset: 0)
    _ = try ask(.addMemory(region), [memory.file])
    space.take(memory)
    return memory
  }

  public func dropMemory(_ memory: BusMemory) throws(BusError) {
    _ = try ask(.dropMemory(address: memory.address), [])
  }

  public func open(_ id: UInt32, version: UInt32) throws(BusError) -> DeviceHandle {
    DeviceHandle(rawValue: try ask(.openDevice(id: id, version: version), []))
  }

  public func close(_ handle: DeviceHandle) throws(BusError) {
    _ = try ask(.closeDevice(handle), [])
  }

  public func call(
    _ handle: DeviceHandle, function: UInt32, flags: UInt32, data: inout [UInt8]
  ) throws(BusError) -> UInt64 {
    guard !data.isEmpty else {
      return try ask(
        .callDevice(handle, function: function, byteCount: 0, flags: flags, address: 0), [])
    }
    guard data.count <= Limits.callByteCountMax else { throw .refused(.invalid) }
    let memory = try memoryForCalls()
    memory.setBytes(data, at: 0)
    let answer = try ask(
      .callDevice(
        handle, function: function, byteCount: UInt32(data.count), flags: flags,
        address: memory.address), [])
    data = memory.bytes(at: 0, byteCount: data.count)
    return answer
  }

  /// Memory for the data of one call, and behind it for a block of fast calls.
  func memoryForCalls() throws(BusError) -> BusMemory {
    if let memory = space.callMemory { return memory }
    let memory = try makeMemory(
      byteCount: Int(Limits.callByteCountMax) + FastCallLayout.byteCount)
    space.callMemory = memory
    return memory
  }

  public func share(
    _ handle: DeviceHandle, _ wish: ShareWish
  ) throws(BusError) -> SharedSignal? {
    guard wish.memory.holds(wish.offset, Int(wish.byteCount)) else {
      throw .refused(.badAddress)
    }
    let bells = try bells(for: wish)
    let request = ShareRequest(
      handle: handle, id: wish.id, address: wish.memory.address(of: wish.offset),
      byteCount: wish.byteCount, flags: bells == nil ? 0 : ShareRequest.ownBells,
      signalOffset: wish.signalOffset, priority: wish.priority, cookie: wish.cookie)
    if wish.signalOffset != nil { inbox.expect(wish.cookie) }
    let answer: UInt64
    do throws(BusError) {
      answer = try ask(
        .shareMemory(request), bells.map { [$0.host.descriptor, $0.client.descriptor] } ?? [])
    } catch {
      if wish.signalOffset != nil { inbox.forget(wish.cookie) }
      throw error
    }
    guard wish.signalOffset != nil else { return nil }
    guard let signal = UInt32(exactly: answer) else {
      disconnect()
      throw .nonsense(.impossibleAnswer(answer))
    }
    return SharedSignal(handle: SignalHandle(rawValue: signal), bells: bells)
  }

  private func bells(for wish: ShareWish) throws(BusError) -> SharedSignal.Bells? {
    guard wish.signalOffset != nil, wish.wantsOwnBells, capabilities.hasOwnBells else {
      return nil
    }
    do throws(Errno) { return try SharedSignal.Bells() } catch { throw .exhausted(error) }
  }

  public func ring(_ signal: SignalHandle) throws(BusError) { _ = try ask(.signal(signal), []) }
}
