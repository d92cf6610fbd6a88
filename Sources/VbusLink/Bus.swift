/// The devices of one container that are live, by their ids. All its clients share it; clients of
/// another container have another.
package struct Bus: Sendable {
  package struct Device: Hashable, Sendable {
    /// The interface type, by which a driver finds its devices.
    package let type: String
    /// The version of its calls and memories that it speaks.
    package let version: UInt32

    package init(type: String, version: UInt32) {
      self.type = type
      self.version = version
    }
  }

  private var devices: [UInt32: Device] = [:]
  /// The ids that a client has open, of devices that are gone too.
  private var openIDs: Set<UInt32> = []

  package init() {}

  package subscript(id: UInt32) -> Device? { devices[id] }

  /// All ids, in order.
  package var ids: [UInt32] { devices.keys.sorted() }

  package func isOpen(_ id: UInt32) -> Bool { openIDs.contains(id) }

  /// A device became live. Tell each session by `deviceAdded`. False when there are too many, or
  /// when the id is in use.
  package mutating func add(_ device: Device, as id: UInt32) -> Bool {
    guard devices.count < Limits.devicesMax, devices[id] == nil,
      device.type.utf8.count <= Event.typeByteCountMax
    else { return false }
    devices[id] = device
    return true
  }

  /// A device is live no more. Tell each session by `deviceDropped`. Who has it open keeps it.
  package mutating func drop(_ id: UInt32) { devices[id] = nil }

  mutating func open(_ id: UInt32) { openIDs.insert(id) }
  mutating func close(_ id: UInt32) { openIDs.remove(id) }
}
