/// A device that a client has open.
package struct OpenDevice: Hashable, Sendable {
  package let handle: DeviceHandle
  package let id: UInt32
  /// What it shares with the client, by the device type's numbers.
  package internal(set) var shares: [Share] = []

  init(handle: DeviceHandle, id: UInt32) {
    self.handle = handle
    self.id = id
  }
}
