internal import LinuxSystem
internal import StreamLink
internal import Vbus
internal import VbusClient
internal import VbusLink
internal import Virtio

/// A device that a relay has open for its client.
final class RelayedDevice {
  let connection: DeviceConnection
  var features: FeatureBits = []
  var shares: [UInt32] = []

  init(connection: DeviceConnection) { self.connection = connection }
}

/// Memory that a relay shares for its client: a ring, or bytes that it made room for.
struct RelayedShare {
  let handle: DeviceHandle
  let share: ClientShare
  let queue: RelayedQueue?
  let buffer: RelayBuffer?
  /// Of memory that is no ring.
  var signal: WindowSignal?

  func ringForClient() throws(BusError) {
    guard let signal, signal.inject() else { return }
    try share.ring()
  }
}

extension RelaySession {
  // MARK: Calls

  func call(
    _ tag: UInt32, _ handle: DeviceHandle, _ function: UInt32, _ flags: UInt32, _ data: [UInt8]
  ) throws(RelayEnd) {
    let isDone = try answer(tag) { () throws(BusError) in
      // What was posted before the call is the device's before it.
      try postAll()
      var answer = data
      let value = try device(handle).connection.call(function, flags: flags, data: &answer)
      return (value, answer)
    }
    guard isDone else { return }
    do throws(BusError) { try note(handle, function, littleEndian(data)) } catch {
      throw .host(error)
    }
  }

  /// What the relay's own rings have to follow.
  private func note(
    _ handle: DeviceHandle, _ function: UInt32, _ number: UInt64
  ) throws(BusError) {
    guard let device = devices[handle] else { return }
    let queues = device.shares.compactMap { shares[$0]?.queue }
    switch VirtioFunction(rawValue: function) {
    case .setFeatures:
      device.features = FeatureBits(rawValue: number)
      for queue in queues { try queue.adopt(device.features) }
    case .setStatus where number == 0:
      for queue in queues { try queue.restart() }
    default: break
    }
  }

  // MARK: Sharing

  /// Answers the relay's number of the shared memory.
  func share(_ wish: StreamShare) throws(BusError) -> UInt32 {
    let device = try device(wish.handle)
    guard shares.count < StreamLimits.sharesMax else { throw .refused(.noSpace) }
    let number = nextShare()
    let share: RelayedShare
    switch wish.kind {
    case .ioq(let size, let flow): share = try queue(wish, .ioq(Int(size), flow), number, device)
    case .virtqueue(let size):
      share = try queue(
        wish, .virtqueue(Int(size), features: device.features), number, device)
    case .bytes(let byteCount, let signalOffset):
      share = try bytes(wish, byteCount, signalOffset, device)
    }
    if share.share.signal?.bells != nil {
      do throws(Errno) { try watched.add(share.share.descriptor) } catch {
        throw .exhausted(error)
      }
    }
    shares[number] = share
    device.shares.append(number)
    return number
  }

  private func queue(
    _ wish: StreamShare, _ shape: QueueShape, _ number: UInt32, _ device: RelayedDevice
  ) throws(BusError) -> RelayedShare {
    var shape = shape
    shape.priority = wish.priority
    guard shape.size <= StreamLimits.chainCountMax else { throw .refused(.invalid) }
    // No ring takes more than 64 bytes an entry and 256.
    let memory = try arena.memory(with: 64 * shape.size + 256)
    let queue = try device.connection.makeQueue(wish.id, shape, in: memory)
    _ = queue.enableNotifications()
    return RelayedShare(
      handle: wish.handle, share: queue.share,
      queue: RelayedQueue(queue, number: number, in: arena), buffer: nil)
  }

  private func bytes(
    _ wish: StreamShare, _ byteCount: UInt32, _ signalOffset: UInt32?, _ device: RelayedDevice
  ) throws(BusError) -> RelayedShare {
    guard byteCount > 0, byteCount <= StreamLimits.shareByteCountMax,
      ShareWish.holdsSignal(at: signalOffset, in: byteCount)
    else { throw .refused(.invalid) }
    let buffer = try arena.allocate(Int(byteCount))
    // Nothing of what lay there before.
    buffer.set([UInt8](repeating: 0, count: Int(byteCount)), at: 0)
    var signal: WindowSignal?
    if let signalOffset {
      let window = buffer.memory.window(of: buffer.buffer)
      ShmSignalLayout.format(window, at: Int(signalOffset))
      signal = try? WindowSignal(window, at: Int(signalOffset), as: .north)
      signal?.listen()
    }
    var request = ShareWish(
      id: wish.id, memory: buffer.memory.memory, offset: buffer.buffer.offset,
      byteCount: byteCount, signalOffset: signalOffset)
    request.priority = wish.priority
    do throws(BusError) {
      return RelayedShare(
        handle: wish.handle, share: try device.connection.share(request), queue: nil,
        buffer: buffer, signal: signal)
    } catch {
      buffer.free()
      throw error
    }
  }

  /// A device is closed: nothing of it is left.
  func forget(_ handle: DeviceHandle) {
    for number in devices.removeValue(forKey: handle)?.shares ?? [] {
      guard let share = shares.removeValue(forKey: number) else { continue }
      forgetBell(of: share)
      share.queue?.release()
      share.buffer?.free()
    }
  }
}
