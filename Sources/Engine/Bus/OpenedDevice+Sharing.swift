internal import EngineLink
internal import LinuxSystem
internal import SharedMemory
internal import Vbus
internal import VbusLink
internal import Virtio

/// What a client shares with a device by DEVSHM.
extension OpenedDevice {
  /// Takes a memory. EINVAL for an id that the device does not know, or a memory that is not what
  /// the id says; EOPNOTSUPP for an ioq where data goes both ways. `bells`: the client's, then ours.
  func share(_ share: Share, _ bells: [Descriptor]) throws(Errno) {
    guard let index = try take(share, bells) else { return }
    device.queues[index].record.availableIndex = 0
    startRing(index)
  }

  /// As `share`, of what a predecessor had taken: a ring goes on where it stopped, once all is there.
  func resume(_ share: Share, _ bells: [Descriptor]) throws(Errno) { _ = try take(share, bells) }

  /// Answers the queue whose ring it is; nil for other memory.
  private func take(_ share: Share, _ bells: [Descriptor]) throws(Errno) -> Int? {
    guard !isRevoked else { throw .noDevice }
    if share.id == VirtioFunction.configurationShare {
      configurationSignal = try signal(share, bells)
      return nil
    }
    switch device.model.purpose(ofShare: share.id) {
    case nil: throw .invalid
    case .bytes:
      bytes[share.id] = (share.address, share.byteCount)
      return nil
    case .queue(let index):
      guard device.queues.indices.contains(index) else { throw .invalid }
      rings[index] = try ring(share, index, bells)
      return index
    }
  }

  /// Looks at the head of a ring and tries it, so that a mistake shows at once.
  private func ring(_ share: Share, _ index: Int, _ bells: [Descriptor]) throws(Errno) -> SharedRing
  {
    // Both formats have their signal at the same place; without one a ring is refused.
    guard let signal = share.signal, Int(signal.offset) == IoqLayout.signal else { throw .invalid }
    let format = try format(share, index)
    let call = bells.count > 1 ? EventDescriptor(bells[1]) : nil
    return SharedRing(
      format: format, address: GuestAddress(share.address), byteCount: Int(share.byteCount),
      signal: signal.handle, kick: bells.first.map { EventDescriptor($0) }, call: call)
  }

  private func format(_ share: Share, _ index: Int) throws(Errno) -> SharedRing.Format {
    let (address, count) = (GuestAddress(share.address), Int(share.byteCount))
    let window: SharedWindow
    do throws(MemoryFault) {
      window = try client.memory.window(
        guestAddress: address, byteCount: count, alignment: IoqLayout.alignment)
    } catch { throw .invalid }
    guard count >= IoqLayout.headerByteCount else { throw .invalid }
    guard window.relaxed32(at: IoqLayout.magic) == VirtqueueLayout.magicNumber else {
      return try ioq(address, count, index)
    }
    return try virtqueue(window)
  }

  private func virtqueue(_ window: SharedWindow) throws(Errno) -> SharedRing.Format {
    // Descriptors begin at a multiple of 16, as the whole does.
    guard let size = try? VirtqueueLayout.check(window), size.count <= DeviceRecord.queueSizeMax,
      (try? WindowSignal(window, at: VirtqueueLayout.signal, as: .south)) != nil
    else { throw .invalid }
    return .virtqueue
  }

  private func ioq(
    _ address: GuestAddress, _ byteCount: Int, _ index: Int
  ) throws(Errno) -> SharedRing.Format {
    guard let flow = device.model.flow(ofQueue: index) else { throw .notSupported }
    do throws(RingFault) {
      _ = try IoqRing(at: address, byteCount: byteCount, flow: flow, memory: client.memory)
    } catch { throw .invalid }
    return .ioq(flow)
  }

  /// A memory that holds a signal only, by which the driver hears of its configuration space.
  private func signal(
    _ share: Share, _ bells: [Descriptor]
  ) throws(Errno) -> ConfigurationSignal {
    guard let place = share.signal else { throw .invalid }
    let signal: WindowSignal
    do {
      signal = try WindowSignal(
        client.memory.window(
          guestAddress: GuestAddress(share.address), byteCount: Int(share.byteCount),
          alignment: 8),
        at: Int(place.offset), as: .south)
    } catch { throw .invalid }
    let event = client.bell(of: place.handle)
    let bell = bells.count > 1 ? EventDescriptor(bells[1]) : nil
    return ConfigurationSignal(signal: signal) { if let bell { bell.ring() } else { event() } }
  }

  /// SHMSIGNAL: the client rings for one of its memories.
  func hear(_ share: Share) {
    guard case .queue(let index) = device.model.purpose(ofShare: share.id), rings[index] != nil
    else { return }
    let queue = device.queues[index]
    queue.countKick()
    queue.serve()
  }
}
