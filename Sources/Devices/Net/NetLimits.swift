/// What a network card puts up with. Each bounds the work or the memory of one frame or one turn.
package enum NetLimits {
  /// Destination, source and type.
  package static let ethernetByteCount = 14
  /// Ethernet header, one VLAN tag, and the largest IP packet: more is no frame, cut up or not.
  package static let frameByteCountMax = 65_553
  /// 1 MiB holds more than four of the largest frames, and a thousand small ones.
  package static let queueByteCount = 1 << 20
  /// A segment of the least size that Linux makes, TCP_MIN_SND_MSS, in the largest packet.
  package static let segmentsMax = 1400
  /// The longest chain that a queue of 1024 entries can hold.
  static let segments = 1024
  /// Stations of one Ethernet segment that are remembered, and for how long: as a bridge does.
  static let stations = 4096
  static let stationNanoseconds: UInt64 = 300_000_000_000
  /// Frames a tap held before the guest was there: its queue's usual length, twice.
  static let staleFramesMax = 1024
}
