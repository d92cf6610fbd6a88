internal import LinuxSystem
internal import RingDriver
package import VbusClient
package import VbusLink
internal import VhostUser

extension VhostUserConnector {
  /// Virtio's functions. ENOTTY for all others: an interface of the device's own does not travel.
  package func call(
    _ handle: DeviceHandle, function: UInt32, flags: UInt32, data: inout [UInt8]
  ) throws(BusError) -> UInt64 {
    guard !isEnded else { throw .disconnected }
    guard let device = opened, device.handle == handle else { throw .refused(.noEntry) }
    guard data.count <= VbusLink.Limits.callByteCountMax else { throw .refused(.invalid) }
    guard let frontEnd = device.frontEnd else { throw .refused(.noDevice) }
    guard flags == 0 else { throw .refused(.invalid) }
    guard let function = VirtioFunction(rawValue: function) else {
      throw .refused(.notTerminal)
    }
    guard function.byteCount == nil || function.byteCount == data.count else {
      throw .refused(.invalid)
    }
    switch function {
    case .identify: data = identity(device, frontEnd).bytes
    case .getFeatures:
      data = littleEndian(device.offered & ~VhostFeatures.protocolFeatures, byteCount: 8)
    case .setFeatures: try setFeatures(littleEndian(data), device, frontEnd)
    case .getStatus: data = littleEndian(device.status.rawValue, byteCount: 4)
    case .setStatus:
      try setStatus(UInt32(truncatingIfNeeded: littleEndian(data)), device, frontEnd)
    case .getConfiguration: try readConfiguration(&data, frontEnd)
    case .setConfiguration: try writeConfiguration(data, frontEnd)
    }
    return 0
  }

  /// The protocol does not tell how large a configuration space is, nor a queue: the largest that
  /// it carries, and the largest that QEMU makes.
  private func identity(_ device: VhostUserDevice, _ frontEnd: FrontEnd) -> VirtioIdentity {
    VirtioIdentity(
      deviceID: virtioID, queueCount: device.queueCount, queueSizeMax: 1024,
      configurationByteCount: UInt32(configurationByteCount(frontEnd)))
  }

  private func configurationByteCount(_ frontEnd: FrontEnd) -> Int {
    frontEnd.protocolFeatures.contains(.configuration)
      ? VhostUser.Limits.configurationByteCountMax : 0
  }

  private func setFeatures(
    _ word: UInt64, _ device: VhostUserDevice, _ frontEnd: FrontEnd
  ) throws(BusError) {
    guard !device.status.contains(.driverOK) else { throw .refused(.busy) }
    guard word & ~(device.offered & ~VhostFeatures.protocolFeatures) == 0 else {
      throw .refused(.invalid)
    }
    let own = device.offered & VhostFeatures.protocolFeatures
    try told { () throws(FrontEndError) in try frontEnd.setFeatures(word | own) }
    opened?.acked = word
  }

  /// VIRTIO 1.2 section 2.1: bits are added one after the other, and only a reset takes them away.
  private func setStatus(
    _ word: UInt32, _ device: VhostUserDevice, _ frontEnd: FrontEnd
  ) throws(BusError) {
    let wanted = DeviceStatus(rawValue: word)
    guard word <= UInt8.max else { throw .refused(.invalid) }
    guard !wanted.isEmpty else { return try reset(device, frontEnd) }
    let kept = device.status.subtracting(.needsReset)
    guard wanted.isSuperset(of: kept),
      !wanted.contains(.needsReset) || device.status.contains(.needsReset)
    else { throw .refused(.invalid) }
    let begins = wanted.contains(.driverOK) && !device.status.contains(.driverOK)
    guard !begins || device.acked != nil else { throw .refused(.invalid) }
    opened?.status = wanted.union(device.status.intersection(.needsReset))
    if frontEnd.protocolFeatures.contains(.status) {
      try told { () throws(FrontEndError) in
        try frontEnd.setStatus(UInt8(truncatingIfNeeded: word))
      }
    }
    if begins { for index in device.shares.indices { try start(index) } }
  }

  private func reset(
    _ device: VhostUserDevice, _ frontEnd: FrontEnd
  ) throws(BusError) {
    try told { () throws(FrontEndError) in
      for share in device.shares where share.isRunning {
        _ = try frontEnd.stop(Int(share.wish.id))
      }
      if frontEnd.protocolFeatures.contains(.resetDevice) {
        try frontEnd.resetDevice()
      }
      if frontEnd.protocolFeatures.contains(.status) { try frontEnd.setStatus(0) }
    }
    opened?.status = []
    opened?.acked = nil
    for index in device.shares.indices {
      opened?.shares[index].isRunning = false
      device.shares[index].queue?.ioq?.end()
    }
  }

  // MARK: The configuration space

  private func readConfiguration(
    _ data: inout [UInt8], _ frontEnd: FrontEnd
  ) throws(BusError) {
    let (offset, count) = try range(of: data, frontEnd)
    let bytes = try told { () throws(FrontEndError) in
      try frontEnd.configuration(offset: UInt32(offset), count: count)
    }
    guard bytes.count == count else { throw .refused(.invalid) }
    data.replaceSubrange(8..., with: bytes)
  }

  private func writeConfiguration(_ data: [UInt8], _ frontEnd: FrontEnd) throws(BusError) {
    let (offset, _) = try range(of: data, frontEnd)
    do throws(BusError) {
      try told { () throws(FrontEndError) in
        try frontEnd.setConfiguration(offset: UInt32(offset), Array(data[8...]))
      }
    } catch {
      throw error == .refused(.invalid) ? .refused(.readOnly) : error
    }
  }

  private func range(
    of data: [UInt8], _ frontEnd: FrontEnd
  ) throws(BusError) -> (offset: Int, count: Int) {
    guard data.count > 8, data.count <= 8 + VirtioFunction.configurationByteCountMax else {
      throw .refused(.invalid)
    }
    let offset = Int(littleEndian(data[..<4]))
    let count = Int(littleEndian(data[4..<8]))
    guard count == data.count - 8, offset + count <= configurationByteCount(frontEnd) else {
      throw .refused(.invalid)
    }
    return (offset, count)
  }
}
