internal import Vbus

/// What the messages have to know of the layouts in shared memory.
enum SignalPlace {
  static let byteCount = ShmSignalLayout.byteCount
  static let alignment = ShmSignalLayout.alignment

  /// Nil for a number of entries that no ring has.
  static func ringByteCount(_ count: UInt32) -> UInt64? {
    IoqSize(count).map { UInt64(IoqLayout.byteCount($0)) }
  }
}
