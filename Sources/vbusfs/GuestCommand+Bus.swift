import VbusClient

extension GuestCommand {
  /// A line for each device.
  func list(_ client: BusClient) throws {
    let devices = try told(socket) { () throws(BusError) in try client.devices() }
    let output = GuestOutput()
    for device in devices { try output.line("\(device.id) \(device.type)") }
  }

  /// A line for each device that comes or goes, those that are there first.
  func watch(_ client: BusClient) throws {
    let output = GuestOutput()
    let deadline = deadline
    while true {
      let event = try awaited(until: deadline) { (milliseconds) throws(BusError) in
        try client.nextEvent(milliseconds: milliseconds)
      }
      switch event {
      case nil: return
      case .deviceAdded(let id, let type): try output.line("added \(id) \(type)")
      case .deviceDropped(let id): try output.line("dropped \(id)")
      case .signal, .shareClosed: break
      }
    }
  }

  /// What the device says it is.
  func identify(_ client: BusClient) throws {
    let connection = try opened(on: client)
    let (identity, features) = try told(deviceName) { () throws(BusError) in
      let virtio = try VirtioDevice(connection)
      return (virtio.identity, try virtio.offered())
    }
    let output = GuestOutput()
    try output.line("virtio_device \(identity.deviceID)")
    try output.line("queues \(identity.queueCount)")
    try output.line("queue_size_max \(identity.queueSizeMax)")
    try output.line("configuration_bytes \(identity.configurationByteCount)")
    try output.line("features 0x\(String(features.rawValue, radix: 16))")
  }
}
