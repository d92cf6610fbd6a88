internal import LinuxSystem
internal import Rings
internal import Vbus
internal import VbusLink

/// A shm-signal in memory that is shared as it is: how both ends say that they changed it.
///
///     try signal.notify()                                   // after a change
///     while try signal.wait(milliseconds: -1) { … look … }  // for the host's
public final class ClientSignal {
  /// The memory that it is a signal of.
  public let share: ClientShare
  private var signal: WindowSignal
  /// What changes from here on is marked anew, and no bell is rung for it.
  private var isLooking = false

  init(_ share: ClientShare) throws(BusError) {
    guard let offset = share.wish.signalOffset else { throw .refused(.invalid) }
    self.share = share
    let window = share.wish.memory.bytes.window(
      at: share.wish.offset, byteCount: Int(share.wish.byteCount))
    do throws(RingFault) {
      signal = try WindowSignal(window, at: Int(offset), as: .north)
    } catch { throw .ring(error) }
  }

  /// Says that the memory has changed, and rings when the host wants that.
  public func notify() throws(BusError) { if signal.inject() { try share.ring() } }

  /// Waits until the host says that it changed the memory; false when it did not in time. Look at
  /// the memory when it did. Less than 0 milliseconds wait for ever.
  public func wait(milliseconds: Int32) throws(BusError) -> Bool {
    let deadline = Deadline(orNever: milliseconds)
    if isLooking {
      isLooking = false
      // Something changed while we looked.
      if signal.finish() { return begin() }
    }
    if signal.enable(), begin() { return true }
    while try share.wait(deadline) {
      // A bell may be of what was looked at already.
      if begin() { return true }
    }
    return false
  }

  private func begin() -> Bool {
    isLooking = signal.begin()
    return isLooking
  }
}

extension DeviceConnection {
  /// As `share`, of memory with a shm-signal, which is made here. EINVAL when it does not lie in
  /// the memory, at a multiple of 4.
  public func shareWithSignal(_ wish: ShareWish) throws(BusError) -> ClientSignal {
    guard let offset = wish.signalOffset, wish.memory.holds(wish.offset, Int(wish.byteCount)),
      wish.offset % 8 == 0, ShareWish.holdsSignal(at: offset, in: wish.byteCount)
    else { throw .refused(.invalid) }
    let window = wish.memory.bytes.window(at: wish.offset, byteCount: Int(wish.byteCount))
    ShmSignalLayout.format(window, at: Int(offset))
    return try ClientSignal(share(wish))
  }
}

extension VirtioDevice {
  /// A signal that the device raises when its configuration space changes (VIRTIO 1.2 section
  /// 2.5.4). Once for each device, else EEXIST. It takes 16 bytes of the memory until that is
  /// dropped.
  public func configurationChanges(in memory: ClientMemory) throws(BusError) -> ClientSignal {
    guard let place = memory.allocate(ShmSignalLayout.byteCount) else { throw .noRoom }
    let wish = ShareWish(
      id: VirtioFunction.configurationShare, memory: memory.memory, offset: place.offset,
      byteCount: UInt32(place.byteCount), signalOffset: 0)
    do throws(BusError) { return try connection.shareWithSignal(wish) } catch {
      memory.deallocate(place)
      throw error
    }
  }
}
