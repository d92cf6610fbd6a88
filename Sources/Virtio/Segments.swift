internal import SharedMemory

/// The buffers of one chain in order, readable ones first: a scratch list that is used again for
/// every chain. The rules that all ring layouts share are checked here, once.
package struct Segments: ~Copyable {
  private var list: FixedList<Segment>
  /// How many of the segments the device reads; the others it writes.
  package private(set) var readableCount = 0
  package private(set) var readableBytes: UInt64 = 0
  package private(set) var writableBytes: UInt64 = 0

  /// Room for `capacity` segments; a longer chain makes it larger, once.
  package init(capacity: Int = 64) { list = FixedList(capacity: max(1, capacity)) }

  package var count: Int { list.count }

  package subscript(index: Int) -> Segment { list[index] }

  package mutating func removeAll() {
    list.removeAll()
    readableCount = 0
    readableBytes = 0
    writableBytes = 0
  }

  /// Adds the buffer of a descriptor whose flags the ring has read.
  @inline(__always)
  mutating func append(
    _ address: UInt64, _ count: UInt32, isWritable: Bool
  ) throws(RingFault) {
    if isWritable {
      writableBytes += UInt64(count)
    } else {
      // VIRTIO 1.2 section 2.7.4.2: device-writable elements follow all device-readable ones.
      guard readableCount == list.count else { throw .readableAfterWritable }
      readableCount += 1
      readableBytes += UInt64(count)
    }
    // Section 2.7.5.2: at most 2^32 bytes in all. At most 32768 descriptors: no overflow.
    guard readableBytes + writableBytes <= 1 << 32 else { throw .chainTooLong }
    let segment = Segment(address: GuestAddress(address), count: count, isWritable: isWritable)
    if !list.append(segment) { grow(segment) }
  }

  @inline(never)
  private mutating func grow(_ segment: Segment) {
    list.reserve(list.capacity * 2)
    _ = list.append(segment)
  }
}
