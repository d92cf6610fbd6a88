import Control
import VbusClient

extension GuestCommand {
  /// So much is read before it is written.
  private static let readingStep: UInt64 = 1 << 20

  /// Bytes of a disk.
  func read(_ client: BusClient) throws {
    let connection = try opened(on: client)
    let identity = try told(deviceName) { () throws(BusError) in
      try VirtioDevice(connection).identity
    }
    guard identity.deviceID == VirtioDisk.deviceID else {
      throw Failure("\(deviceName) is no disk")
    }
    let disk = try told(deviceName) { () throws(BusError) in try VirtioDisk(connection) }
    var place = offset ?? 0
    guard place <= disk.capacity, count ?? 0 <= disk.capacity - place else {
      throw Failure("\(deviceName) has \(disk.capacity) bytes")
    }
    let end = place + (count ?? disk.capacity - place)
    let output = GuestOutput()
    while place < end {
      try checkSignals()
      let length = min(Self.readingStep, end - place)
      try output.bytes(
        told(deviceName) { () throws(BusError) in
          try disk.read(offset: place, count: Int(length))
        })
      place += length
    }
  }
}
