import ArgumentParser
import Control
import LinuxSystem
import VbusClient
import VbusLink

/// `vbusfs guest list`: a line for each device.
struct GuestList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Print number and type of all devices on a bus.")

  @OptionGroup var bus: GuestBus

  func run() throws {
    let client = try bus.connected()
    let devices = try told(bus.socket) { () throws(BusError) in try client.devices() }
    let output = GuestOutput()
    for device in devices { try output.line("\(device.id) \(device.type)") }
  }
}

/// `vbusfs guest watch`: a line for each device that comes or goes, those that are there first.
struct GuestWatch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch", abstract: "Print a line for each device that comes or goes.")

  @OptionGroup var bus: GuestBus
  @OptionGroup var patience: GuestPatience

  func run() throws {
    let client = try bus.connected()
    let output = GuestOutput()
    let start = monotonicNanoseconds()
    while true {
      let event = try told(bus.socket) { () throws(BusError) in
        try client.nextEvent(milliseconds: patience.rest(since: start))
      }
      switch event {
      case nil: return
      case .deviceAdded(let id, let type): try output.line("added \(id) \(type)")
      case .deviceDropped(let id): try output.line("dropped \(id)")
      case .signal, .shareClosed: break
      }
    }
  }
}

/// `vbusfs guest identify`: what the device says it is.
struct GuestIdentify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "identify", abstract: "Print what a device says it is.")

  @OptionGroup var device: GuestDevice

  func run() throws {
    let connection = try device.opened()
    let (identity, features) = try told(device.name) { () throws(BusError) in
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
