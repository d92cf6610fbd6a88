/// Feature bits of VIRTIO 1.2 that the tests name: 5.1.3 for net, 5.2.3 for blk, 6 for all.
enum Bits {
  static let checksum: UInt64 = 1 << 0
  /// TSO4, TSO6 and ECN from the guest, which need `checksum`.
  static let hostOffloads: UInt64 = 1 << 11 | 1 << 12 | 1 << 13
  static let mergeable: UInt64 = 1 << 15
  static let discard: UInt64 = 1 << 13
  static let eventIndex: UInt64 = 1 << 29
  static let version1: UInt64 = 1 << 32
}

extension Guest.Report {
  /// The word that /sys shows as 64 digits, bit 0 first, after `features`.
  var features: UInt64 {
    (value("features") ?? "").reversed().reduce(0) { $0 << 1 | ($1 == "1" ? 1 : 0) }
  }
}
