internal import LinuxSystem
internal import RingDriver
internal import SharedMemory
internal import Vbus
package import VbusClient
package import VbusLink
internal import Virtio

/// A virtqueue block whose ring the device has, or the memory of the configuration's signal.
struct VhostUserShare {
  let wish: ShareWish
  let handle: SignalHandle
  /// The device's half of the signal, which nobody plays but us.
  var signal: WindowSignal
  let queue: Queue?
  var isRunning = false

  struct Queue {
    let size: QueueSize
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
  /// EOPNOTSUPP for an ioq.
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
    let queue = try queue(wish, window, device)
    // Nothing else has a use without one.
    guard let offset = wish.signalOffset, offset % UInt32(ShmSignalLayout.alignment) == 0,
      UInt64(offset) + UInt64(ShmSignalLayout.byteCount) <= UInt64(wish.byteCount),
      queue == nil || Int(offset) == VirtqueueLayout.signal,
      var signal = try? WindowSignal(window, at: Int(offset), as: .south)
    else { throw .refused(.invalid) }
    signal.listen()
    do throws(Errno) {
      if let queue {
        try watched.add(queue.call.descriptor)
        try watched.add(queue.error.descriptor)
      }
    } catch { throw .exhausted(error) }
    return VhostUserShare(
      wish: wish, handle: SignalHandle(rawValue: wish.id), signal: signal, queue: queue)
  }

  private func queue(
    _ wish: ShareWish, _ window: SharedWindow, _ device: VhostUserDevice
  ) throws(BusError) -> VhostUserShare.Queue? {
    guard wish.id != VirtioFunction.configurationShare else { return nil }
    guard wish.id < device.queueCount, window.byteCount >= VirtqueueLayout.headerByteCount else {
      throw .refused(.invalid)
    }
    guard window.relaxed32(at: VirtqueueLayout.magic) != IoqLayout.magicNumber else {
      throw .refused(.notSupported)
    }
    guard wish.offset % VirtqueueLayout.alignment == 0,
      let size = try? VirtqueueLayout.check(window)
    else { throw .refused(.invalid) }
    do throws(Errno) {
      return VhostUserShare.Queue(
        size: size, kick: try EventDescriptor(), call: try EventDescriptor(),
        error: try EventDescriptor())
    } catch { throw .exhausted(error) }
  }

  /// Gives the device a ring, from its start.
  func start(_ index: Int) throws(BusError) {
    guard let device = opened, let frontEnd = device.frontEnd,
      let queue = device.shares[index].queue, !device.shares[index].isRunning
    else { return }
    let wish = device.shares[index].wish
    let address = wish.memory.address(of: wish.offset)
    func place(_ offset: Int) -> UInt64 { address + UInt64(offset) }
    var ring = FrontEnd.Ring(
      index: Int(wish.id), size: queue.size.rawValue,
      descriptors: place(VirtqueueLayout.descriptors),
      available: place(VirtqueueLayout.available(queue.size)),
      used: place(VirtqueueLayout.used(queue.size)), kick: queue.kick.descriptor,
      call: queue.call.descriptor)
    ring.error = queue.error.descriptor
    // A block that was formatted anew has nobody who listens.
    opened?.shares[index].signal.listen()
    let announced = ring
    try told { () throws(FrontEndError) in try frontEnd.start(announced) }
    opened?.shares[index].isRunning = true
    // What was posted before.
    queue.kick.ring()
  }

  package func ring(_ signal: SignalHandle) throws(BusError) {
    guard !isEnded else { throw .disconnected }
    guard let index = opened?.shares.firstIndex(where: { $0.handle == signal }) else {
      throw .refused(.noEntry)
    }
    // The mark is taken back at once: the device looks at its ring anyway.
    opened?.shares[index].signal.listen()
    opened?.shares[index].queue?.kick.ring()
  }
}
