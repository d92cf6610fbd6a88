internal import LinuxSystem
internal import SharedMemory
internal import StreamLink
internal import Vbus
package import VbusClient
package import VbusLink

extension StreamConnector {
  // MARK: Memory

  package func makeMemory(byteCount: Int) throws(BusError) -> BusMemory {
    guard !isEnded else { throw .disconnected }
    let made = try space.memory(byteCount: byteCount)
    do throws(MemoryFault) { try memory.add(Self.region(of: made), of: made.file) } catch {
      guard case .notMapped(let errno) = error else { throw .refused(.noSpace) }
      throw .exhausted(errno)
    }
    space.take(made)
    memories[made.address] = made
    return made
  }

  package func dropMemory(_ dropped: BusMemory) throws(BusError) {
    guard !isEnded else { throw .disconnected }
    guard memories[dropped.address] === dropped else { throw .refused(.noEntry) }
    guard !shares.values.contains(where: { $0.wish.memory === dropped }) else {
      throw .refused(.busy)
    }
    do throws(MemoryFault) { try memory.remove(Self.region(of: dropped)) } catch {
      throw .refused(.noEntry)
    }
    memories[dropped.address] = nil
  }

  private static func region(of memory: BusMemory) -> MemoryRegion {
    MemoryRegion(
      guestAddress: memory.address, userAddress: memory.address,
      byteCount: UInt64(memory.byteCount), fileOffset: 0)
  }

  // MARK: Devices

  package func open(_ id: UInt32, version: UInt32) throws(BusError) -> DeviceHandle {
    let answer = try ask { .open(tag: $0, id: id, version: version) }
    let handle = DeviceHandle(rawValue: answer.value)
    devices[handle] = StreamDevice()
    return handle
  }

  package func close(_ handle: DeviceHandle) throws(BusError) {
    _ = try ask({ .close(tag: $0, handle) }, onDone: { [self] _ in forget(handle) })
  }

  private func forget(_ handle: DeviceHandle) {
    for number in devices.removeValue(forKey: handle)?.shares ?? [] {
      guard let share = shares.removeValue(forKey: number) else { continue }
      // What came back before the end.
      _ = share.ring?.publish()
      // One of our own is never too much.
      if share.wish.signalOffset != nil { try? keep(.shareClosed(cookie: share.wish.cookie)) }
    }
  }

  package func call(
    _ handle: DeviceHandle, function: UInt32, flags: UInt32, data: inout [UInt8]
  ) throws(BusError) -> UInt64 {
    guard data.count <= Limits.callByteCountMax else { throw .refused(.invalid) }
    let sent = data
    let answer = try ask(
      { .call(tag: $0, handle, function: function, flags: flags, data: sent) },
      onDone: { [self] _ in note(handle, function, sent) })
    guard answer.data.count == data.count else {
      disconnect()
      throw .nonsense(.malformedAnswer)
    }
    data = answer.data
    if function == VirtioFunction.getStatus.rawValue, hasBrokenRing(handle), !data.isEmpty {
      data[0] |= UInt8(truncatingIfNeeded: DeviceStatus.needsReset.rawValue)
    }
    return answer.value
  }

  /// A call that was done may have stopped or started the rings that are played here.
  private func note(_ handle: DeviceHandle, _ function: UInt32, _ data: [UInt8]) {
    guard var device = devices[handle] else { return }
    switch VirtioFunction(rawValue: function) {
    case .setFeatures: device.features = littleEndian(data)
    case .setStatus:
      let status = DeviceStatus(rawValue: UInt32(truncatingIfNeeded: littleEndian(data)))
      if status.isEmpty {
        device.isStarted = false
        for number in device.shares { shares[number]?.ring?.reset() }
      }
      if status.contains(.driverOK) { device.isStarted = true }
    case .identify, .getFeatures, .getStatus, .getConfiguration, .setConfiguration: break
    // The device's own interface says when it begins, and here nobody knows it: from the first call
    // on what is posted waits at the other end instead.
    case nil: device.isStarted = true
    }
    devices[handle] = device
    if device.isStarted { begin(handle) }
  }

  // MARK: Sharing

  package func share(
    _ handle: DeviceHandle, _ wish: ShareWish
  ) throws(BusError) -> SharedSignal? {
    guard wish.memory.holds(wish.offset, Int(wish.byteCount)) else {
      throw .refused(.badAddress)
    }
    guard wish.byteCount > 0, wish.offset % 8 == 0,
      ShareWish.holdsSignal(at: wish.signalOffset, in: wish.byteCount)
    else { throw .refused(.invalid) }
    let ring = try ring(of: wish)
    let kind = try kind(of: wish, ring)
    let request = StreamShare(handle: handle, id: wish.id, priority: wish.priority, kind: kind)
    let share = StreamMemory(
      handle: handle, wish: wish, ring: ring, signal: ring == nil ? signal(of: wish) : nil)
    let answer = try ask(
      { .share(tag: $0, request) }, onDone: { [self] in keep(share, as: $0.value) })
    guard let number = UInt32(exactly: answer.value), shares[number] != nil else {
      disconnect()
      throw .nonsense(.impossibleAnswer(answer.value))
    }
    guard wish.signalOffset != nil else { return nil }
    return SharedSignal(handle: SignalHandle(rawValue: number))
  }

  private func keep(_ share: StreamMemory, as number: UInt64) {
    guard let number = UInt32(exactly: number), shares[number] == nil else { return }
    shares[number] = share
    devices[share.handle]?.shares.append(number)
    if share.wish.signalOffset != nil { inbox.expect(share.wish.cookie) }
    if devices[share.handle]?.isStarted == true { begin(share.handle) }
  }

  /// Tells a ring by its magic number.
  private func ring(of wish: ShareWish) throws(BusError) -> StreamRing? {
    guard wish.signalOffset == UInt32(IoqLayout.signal),
      Int(wish.byteCount) >= IoqLayout.headerByteCount
    else { return nil }
    let window = wish.memory.bytes.window(at: wish.offset, byteCount: Int(wish.byteCount))
    let format: StreamRing.Format
    switch window.relaxed32(at: IoqLayout.magic) {
    case VirtqueueLayout.magicNumber: format = .virtqueue
    case IoqLayout.magicNumber:
      guard let flow = wish.flow else { throw .refused(.invalid) }
      format = .ioq(flow)
    default: return nil
    }
    return StreamRing(
      format, at: wish.memory.address(of: wish.offset), byteCount: Int(wish.byteCount),
      in: memory)
  }

  /// A ring that breaks a rule is refused here: the other end would make a good one.
  private func kind(
    of wish: ShareWish, _ ring: StreamRing?
  ) throws(BusError) -> StreamShare.Kind {
    guard let ring else {
      guard wish.byteCount <= StreamLimits.shareByteCountMax else { throw .refused(.noSpace) }
      return .bytes(byteCount: wish.byteCount, signalOffset: wish.signalOffset)
    }
    guard let size = ring.size() else { throw .refused(.invalid) }
    switch ring.format {
    case .ioq(let flow): return .ioq(size: size, flow)
    case .virtqueue: return .virtqueue(size: size)
    }
  }

  private func signal(of wish: ShareWish) -> WindowSignal? {
    guard let offset = wish.signalOffset else { return nil }
    let window = wish.memory.bytes.window(at: wish.offset, byteCount: Int(wish.byteCount))
    var signal = try? WindowSignal(window, at: Int(offset), as: .south)
    signal?.listen()
    return signal
  }

  package func ring(_ signal: SignalHandle) throws(BusError) {
    guard !isEnded else { throw .disconnected }
    guard let share = shares[signal.rawValue], share.wish.signalOffset != nil else {
      throw .refused(.noEntry)
    }
    if share.ring == nil {
      if var heard = share.signal { heard.listen() }
      line.send(.ring(share: signal.rawValue))
    }
    try pump()
  }
}
