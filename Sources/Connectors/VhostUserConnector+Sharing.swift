internal import LinuxSystem
internal import RingDriver
internal import SharedMemory
internal import Vbus
package import VbusClient
package import VbusLink
internal import Virtio

/// A ring that the device has, or the memory of the configuration's signal.
struct VhostUserShare {
  let wish: ShareWish
  let handle: SignalHandle
  /// The device's half of the signal, which nobody plays but us; an ioq has its own.
  var signal: WindowSignal?
  let queue: Queue?
  var isRunning = false

  struct Queue {
    let size: QueueSize
    /// Where the device finds the virtqueue.
    let address: UInt64
    let ioq: VhostUserIoq?
    let kick: EventDescriptor
    let call: EventDescriptor
    let error: EventDescriptor
  }

  /// What the device rings.
  var bells: [Descriptor] {
    [queue?.call.descriptor, queue?.error.descriptor].compactMap { $0 }
  }
}

extension VhostUserConnector {
  /// EINVAL for an id that the device does not know, or a memory that is not what the id says;
  /// EOPNOTSUPP for an ioq where the data of the queue go both ways.
  package func share(
    _ handle: DeviceHandle, _ wish: ShareWish
  ) throws(BusError) -> SharedSignal? {
    guard !isEnded else { throw .disconnected }
    guard let device = opened, device.handle == handle else { throw .refused(.noEntry) }
    guard wish.byteCount > 0, wish.offset % 8 == 0 else { throw .refused(.invalid) }
    guard memories.contains(where: { $0 === wish.memory }),
      wish.memory.holds(wish.offset, Int(wish.byteCount))
    else { throw .refused(.badAddress) }
    guard !device.shares.contains(where: { $0.wish.id == wish.id }) else {
      throw .refused(.exists)
    }
    guard device.frontEnd != nil else { throw .refused(.noDevice) }
    let share = try made(wish, device)
    opened?.shares.append(share)
    inbox.expect(wish.cookie)
    if device.status.contains(.driverOK) { try start(device.shares.count) }
    return SharedSignal(handle: share.handle)
  }

  private func made(
    _ wish: ShareWish, _ device: VhostUserDevice
  ) throws(BusError) -> VhostUserShare {
    let window = wish.memory.bytes.window(at: wish.offset, byteCount: Int(wish.byteCount))
    let isQueue = wish.id != VirtioFunction.configurationShare
    // Nothing has a use without one; a ring of either format has it at the same place.
    guard let offset = wish.signalOffset, offset % UInt32(ShmSignalLayout.alignment) == 0,
      UInt64(offset) + UInt64(ShmSignalLayout.byteCount) <= UInt64(wish.byteCount),
      !isQueue || Int(offset) == VirtqueueLayout.signal,
      var signal = try? WindowSignal(window, at: Int(offset), as: .south)
    else { throw .refused(.invalid) }
    let queue = isQueue ? try queue(wish, window, device) : nil
    signal.listen()
    return VhostUserShare(
      wish: wish, handle: SignalHandle(rawValue: wish.id),
      signal: queue?.ioq == nil ? signal : nil, queue: queue)
  }

  private func queue(
    _ wish: ShareWish, _ window: SharedWindow, _ device: VhostUserDevice
  ) throws(BusError) -> VhostUserShare.Queue {
    guard wish.id < device.queueCount, window.byteCount >= VirtqueueLayout.headerByteCount else {
      throw .refused(.invalid)
    }
    guard window.relaxed32(at: VirtqueueLayout.magic) != IoqLayout.magicNumber else {
      let ioq = try ioq(wish, window, device)
      return try queue(ioq.size, ioq.memory.address, ioq)
    }
    guard wish.offset % VirtqueueLayout.alignment == 0,
      let size = try? VirtqueueLayout.check(window)
    else { throw .refused(.invalid) }
    return try queue(size, wish.memory.address(of: wish.offset), nil)
  }

  private func queue(
    _ size: QueueSize, _ address: UInt64, _ ioq: VhostUserIoq?
  ) throws(BusError) -> VhostUserShare.Queue {
    do throws(Errno) {
      let queue = VhostUserShare.Queue(
        size: size, address: address, ioq: ioq, kick: try EventDescriptor(),
        call: try EventDescriptor(), error: try EventDescriptor())
      try watched.add(queue.call.descriptor)
      try watched.add(queue.error.descriptor)
      return queue
    } catch { throw .exhausted(error) }
  }

  private func ioq(
    _ wish: ShareWish, _ window: SharedWindow, _ device: VhostUserDevice
  ) throws(BusError) -> VhostUserIoq {
    guard let flow = flow(ofQueue: wish.id, device) else { throw .refused(.notSupported) }
    guard let size = VhostUserIoq.size(for: window) else { throw .refused(.invalid) }
    let memory = try makeMemory(byteCount: VirtqueueLayout.byteCount(size))
    return VhostUserIoq(window, flow, size, in: memory)
  }

  /// Which way the data of a queue go (VIRTIO 1.2 sections 5.1.2, 5.3.2 and 5.4.2): nil where both
  /// ways, and for devices that are not known here.
  private func flow(ofQueue index: UInt32, _ device: VhostUserDevice) -> Flow? {
    switch virtioID {
    case 1, 3:
      // The control queue of a card is the last.
      let isControl = device.queueCount % 2 == 1 && index == device.queueCount - 1
      return isControl ? nil : index % 2 == 0 ? .fromDevice : .toDevice
    case 4: return .fromDevice
    default: return nil
    }
  }

  /// Gives the device a ring, from its start.
  func start(_ index: Int) throws(BusError) {
    guard let device = opened, let frontEnd = device.frontEnd,
      let queue = device.shares[index].queue, !device.shares[index].isRunning
    else { return }
    func place(_ offset: Int) -> UInt64 { queue.address + UInt64(offset) }
    var ring = FrontEnd.Ring(
      index: Int(device.shares[index].wish.id), size: queue.size.rawValue,
      descriptors: place(VirtqueueLayout.descriptors),
      available: place(VirtqueueLayout.available(queue.size)),
      used: place(VirtqueueLayout.used(queue.size)), kick: queue.kick.descriptor,
      call: queue.call.descriptor)
    ring.error = queue.error.descriptor
    do throws(RingFault) { try queue.ioq?.begin(FeatureBits(rawValue: device.acked ?? 0)) } catch {
      return try needsReset()
    }
    // A block that was formatted anew has nobody who listens.
    opened?.shares[index].signal?.listen()
    let announced = ring
    try told { () throws(FrontEndError) in try frontEnd.start(announced) }
    opened?.shares[index].isRunning = true
    // What was posted before.
    try post(queue)
    queue.kick.ring()
  }

  /// Hands over what lies in an ioq. One that breaks a rule is looked at no more, and the device is
  /// in need of a reset, as it would be by its own finding.
  private func post(_ queue: VhostUserShare.Queue) throws(BusError) {
    do throws(RingFault) { try queue.ioq?.post() } catch {
      queue.ioq?.end()
      try needsReset()
    }
  }

  package func ring(_ signal: SignalHandle) throws(BusError) {
    guard !isEnded else { throw .disconnected }
    guard let index = opened?.shares.firstIndex(where: { $0.handle == signal }) else {
      throw .refused(.noEntry)
    }
    // The mark is taken back at once: the device looks at its ring anyway.
    opened?.shares[index].signal?.listen()
    guard let queue = opened?.shares[index].queue else { return }
    try post(queue)
    queue.kick.ring()
  }
}
