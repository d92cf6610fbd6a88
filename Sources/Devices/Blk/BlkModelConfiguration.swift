internal import LinuxSystem

/// The configuration space of a disk, struct virtio_blk_config (VIRTIO 1.2 section 5.2.4), up to
/// and without the fields of VIRTIO_BLK_F_SECURE_ERASE.
struct BlkConfiguration {
  static let byteCount = 60
  static let writeback = 32

  var capacitySectors: UInt64
  let blockByteCount: UInt32
  let queueCount: Int

  func bytes(writeback: Bool) -> [UInt8] {
    var space = Space()
    let blocksPerPage = max(1, 4096 / blockByteCount)
    space.put(capacitySectors, 8, at: 0)
    space.put(BlkLimits.segmentByteCount, 4, at: 8)
    space.put(BlkLimits.segments, 4, at: 12)
    space.put(blockByteCount, 4, at: 20)
    // Topology: 4096-byte physical blocks from offset 0, in logical blocks; no optimum is known.
    space.put(blocksPerPage.trailingZeroBitCount, 1, at: 24)
    space.put(blocksPerPage, 2, at: 26)
    space.put(writeback ? 1 : 0, 1, at: Self.writeback)
    space.put(queueCount, 2, at: 34)
    space.put(BlkLimits.discardSectors, 4, at: 36)
    space.put(BlkLimits.ranges, 4, at: 40)
    space.put(blockByteCount / 512, 4, at: 44)
    space.put(BlkLimits.zeroSectors, 4, at: 48)
    space.put(BlkLimits.ranges, 4, at: 52)
    // Write zeroes with `unmap` gives blocks back.
    space.put(1, 1, at: 56)
    return space.bytes
  }

  /// Zero bytes, unused fields included (5.2.5.2), into which little-endian fields are put.
  private struct Space {
    var bytes = [UInt8](repeating: 0, count: BlkConfiguration.byteCount)

    mutating func put(_ value: some FixedWidthInteger, _ byteCount: Int, at offset: Int) {
      bytes.replaceSubrange(
        offset..<offset + byteCount, with: littleEndian(value, byteCount: byteCount))
    }
  }
}
