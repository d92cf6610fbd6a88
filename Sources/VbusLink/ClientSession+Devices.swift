internal import LinuxSystem

extension ClientSession {
  func device(_ handle: DeviceHandle) throws(Errno) -> OpenDevice {
    guard let device = devices[handle] else { throw .noEntry }
    return device
  }

  /// DEVOPEN: ENOENT for an id that is not there, EINVAL for another version of the device's calls,
  /// EBUSY while anybody has it open.
  func opening(_ id: UInt32, _ version: UInt32, _ bus: Bus) throws(Errno) -> OpenDevice {
    guard let device = bus[id] else { throw .noEntry }
    guard version == device.version else { throw .invalid }
    guard !bus.isOpen(id) else { throw .busy }
    return OpenDevice(handle: DeviceHandle(rawValue: nextDevice), id: id)
  }

  func open(_ device: OpenDevice, _ bus: inout Bus) {
    nextDevice += 1
    devices[device.handle] = device
    bus.open(device.id)
  }

  /// DEVCLOSE "implicitly closes all its shared memory": a last event for each signal.
  func close(_ device: OpenDevice, _ bus: inout Bus) {
    shareCount -= device.shares.count
    for share in device.shares {
      if let signal = share.signal { close(signal) }
    }
    _ = devices.remove(device.handle.rawValue)
    bus.close(device.id)
  }
}
