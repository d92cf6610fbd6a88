/// What a disk promises of the size of requests. Each bounds the work of one request, for a worker
/// serves them one after the other.
enum BlkLimits {
  /// With header and status a request of 128 descriptors, the smallest usual queue.
  static let segments: UInt32 = 126
  static let segmentByteCount: UInt32 = 1 << 20
  /// Data of one request: no legal request has more.
  static let requestByteCount = UInt64(segments) * UInt64(segmentByteCount)
  /// What is moved before others get their turn: a few milliseconds' work.
  static let turnByteCount: UInt64 = 16 << 20
  /// Ranges in one discard or write zeroes request.
  static let ranges = 16
  /// 2 GiB: giving blocks back costs little.
  static let discardSectors: UInt32 = 1 << 22
  /// 16 MiB: where the host cannot zero blocks, they are written.
  static let zeroSectors: UInt32 = 1 << 15
  /// VIRTIO_BLK_ID_BYTES.
  static let serialByteCount = 20
}
