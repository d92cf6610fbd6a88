internal import LinuxSystem
public import VbusLink

extension SocketConnector {
  /// Between two regions, so that an address behind one is in none.
  private static let addressStep: UInt64 = 1 << 21

  public func makeMemory(byteCount: Int) throws(BusError) -> BusMemory {
    let memory: BusMemory
    do throws(Errno) { memory = try BusMemory(at: nextAddress, byteCount: byteCount) } catch {
      throw error == .invalid ? .refused(.invalid) : .exhausted(error)
    }
    let region = Region(
      address: memory.address, byteCount: UInt64(memory.byteCount), fileOffset: 0)
    let (end, overflow) = (region.address + region.byteCount)
      .addingReportingOverflow(2 * Self.addressStep)
    guard !overflow else { throw .refused(.noSpace) }
    _ = try ask(.addMemory(region), [memory.file])
    nextAddress = end / Self.addressStep * Self.addressStep
    return memory
  }

  public func dropMemory(_ memory: BusMemory) throws(BusError) {
    _ = try ask(.dropMemory(address: memory.address))
  }

  public func open(_ id: UInt32, version: UInt32) throws(BusError) -> DeviceHandle {
    DeviceHandle(rawValue: try ask(.openDevice(id: id, version: version)))
  }

  public func close(_ handle: DeviceHandle) throws(BusError) {
    _ = try ask(.closeDevice(handle))
  }

  public func call(
    _ handle: DeviceHandle, function: UInt32, flags: UInt32, data: inout [UInt8]
  ) throws(BusError) -> UInt64 {
    guard !data.isEmpty else {
      return try ask(
        .callDevice(handle, function: function, byteCount: 0, flags: flags, address: 0))
    }
    guard data.count <= Limits.callByteCountMax else { throw .refused(.invalid) }
    let memory = try memoryForCalls()
    memory.setBytes(data, at: 0)
    let answer = try ask(
      .callDevice(
        handle, function: function, byteCount: UInt32(data.count), flags: flags,
        address: memory.address))
    data = memory.bytes(at: 0, byteCount: data.count)
    return answer
  }

  private func memoryForCalls() throws(BusError) -> BusMemory {
    if let callMemory { return callMemory }
    let memory = try makeMemory(byteCount: Int(Limits.callByteCountMax))
    callMemory = memory
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

  public func ring(_ signal: SignalHandle) throws(BusError) { _ = try ask(.signal(signal)) }
}
