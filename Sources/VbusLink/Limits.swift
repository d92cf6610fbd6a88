/// The limits of the protocol, each with its reason.
package enum Limits {
  /// Verb and tag.
  package static let headerByteCount = 8
  /// What one message of a client can hold: a header and the longest payload.
  package static let messageByteCountMax = 8 + 48
  /// Both bells of a signal.
  package static let descriptorCountMax = 2

  /// What `GuestMemory` maps at most.
  package static let regionsMax = 64
  /// The original's number of event queues, which are priorities.
  package static let prioritiesMax = 8
  /// Devices of one container: as many as a person can want, and a session's list of what it owes
  /// its client stays short.
  package static let devicesMax = 65536
  /// Shared memories of one client that need no more: a device has a handful.
  package static let sharesMax = 65536
  /// Shared memories of one open device, which are searched one by one.
  package static let sharesPerDeviceMax = 1024
  /// The data of one device call; the original's devices use some tens of bytes.
  package static let callByteCountMax: UInt32 = 65536
}
