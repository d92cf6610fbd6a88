internal import EngineLink
internal import LinuxSystem
internal import SharedMemory
internal import VbusLink
internal import Virtio

/// The functions of an open device.
extension OpenedDevice {
  /// DEVCALL. EFAULT for data outside of the client's memory, ENOTTY for a function that the device
  /// has not, EBUSY for one of the interface that is not in use.
  func call(
    _ function: UInt32, byteCount: UInt32, flags: UInt32, address: UInt64
  ) throws(Errno) -> UInt64 {
    guard !isRevoked else { throw .noDevice }
    // None is defined.
    guard flags == 0 else { throw .invalid }
    var data = try client.bytes(at: address, Int(byteCount))
    let before = data
    let answer = try carryOut(function, &data)
    if data != before { try client.setBytes(data, at: address) }
    return answer
  }

  private func carryOut(_ function: UInt32, _ data: inout [UInt8]) throws(Errno) -> UInt64 {
    if let function = VirtioFunction(rawValue: function) {
      if try virtio(function, &data) { client.hasChanged = true }
      return 0
    }
    guard function < VirtioFunction.first else { throw .notTerminal }
    guard status.isEmpty else { throw .busy }
    let (lines, count) = (device.model.interfaceLines, data.count)
    let answer = try device.model.call(function, &data)
    precondition(data.count == count, "a call's data stays as long as it is")
    device.updateStates()
    if device.model.interfaceLines != lines { client.hasChanged = true }
    return answer
  }

  /// True when something changed that a new engine has to know.
  private func virtio(_ function: VirtioFunction, _ data: inout [UInt8]) throws(Errno) -> Bool {
    guard function.byteCount == nil || function.byteCount == data.count else { throw .invalid }
    switch function {
    case .identify: data = identity.bytes
    case .getFeatures: data = littleEndian(device.offered, byteCount: 8)
    case .setFeatures: return try setFeatures(littleEndian(data))
    case .getStatus: data = littleEndian(status.rawValue, byteCount: 4)
    case .setStatus: return try setStatus(UInt32(truncatingIfNeeded: littleEndian(data)))
    case .getConfiguration: try readConfiguration(&data)
    case .setConfiguration: return try writeConfiguration(data)
    }
    return false
  }

  private var identity: VirtioIdentity {
    VirtioIdentity(
      deviceID: device.offer.virtioID, queueCount: UInt32(device.model.queueCount),
      queueSizeMax: UInt32(DeviceRecord.queueSizeMax),
      configurationByteCount: UInt32(device.model.configuration.count))
  }

  /// VIRTIO 1.2 section 2.2: the driver accepts a part of what is offered, before it is running.
  private func setFeatures(_ word: UInt64) throws(Errno) -> Bool {
    guard device.model.interfaceLines.isEmpty, !status.contains(.driverOK) else { throw .busy }
    guard word & ~device.offered == 0 else { throw .invalid }
    guard word != acked else { return false }
    acked = word
    configuration = [:]
    device.model.negotiated(word)
    device.updateStates()
    return true
  }

  /// Section 2.1: bits are added one after the other, and only a reset takes them away.
  private func setStatus(_ word: UInt32) throws(Errno) -> Bool {
    let wanted = DeviceStatus(rawValue: word)
    guard device.model.interfaceLines.isEmpty else { throw .busy }
    guard word <= UInt8.max else { throw .invalid }
    guard !wanted.isEmpty else {
      reset()
      return true
    }
    // NEEDS_RESET is the device's to set.
    let kept = status.subtracting(.needsReset)
    guard wanted.isSuperset(of: kept), !wanted.contains(.needsReset) || status.contains(.needsReset)
    else { throw .invalid }
    let begins = wanted.contains(.driverOK) && !status.contains(.driverOK)
    // A driver that runs has said which features it takes.
    guard !begins || acked != nil else { throw .invalid }
    status = wanted.union(status.intersection(.needsReset))
    if begins { startRings() }
    return true
  }

  private func readConfiguration(_ data: inout [UInt8]) throws(Errno) {
    let (offset, count) = try range(of: data)
    let space = device.model.configuration
    for index in 0..<count { data[8 + index] = space[offset + index] }
    // Read from the start: the driver knows now.
    if offset == 0, count == space.count { shownConfiguration = space }
  }

  private func writeConfiguration(_ data: [UInt8]) throws(Errno) -> Bool {
    let (offset, count) = try range(of: data)
    let bytes = Array(data[8..<8 + count])
    guard device.model.writeConfiguration(at: offset, bytes) else { throw .readOnly }
    configuration[offset] = bytes
    return true
  }

  /// Which part of the configuration space is meant; EINVAL for what lies outside.
  private func range(of data: [UInt8]) throws(Errno) -> (offset: Int, count: Int) {
    guard data.count >= 8, data.count <= 8 + VirtioFunction.configurationByteCountMax else {
      throw .invalid
    }
    let offset = Int(littleEndian(data[..<4]))
    let count = Int(littleEndian(data[4..<8]))
    guard count == data.count - 8, offset + count <= device.model.configuration.count else {
      throw .invalid
    }
    return (offset, count)
  }

  // MARK: What the device tells its driver

  /// The configuration space changed, or the device needs a reset.
  func configurationChanged() {
    guard shownConfiguration != device.model.configuration || status.contains(.needsReset) else {
      return
    }
    shownConfiguration = device.model.configuration
    guard let signal = configurationSignal, signal.signal.inject() else { return }
    signal.ring()
  }

  /// A queue is broken (section 2.1.2).
  func needsReset() {
    guard !status.isEmpty else { return }
    status.insert(.needsReset)
    client.changed()
    configurationChanged()
  }
}
