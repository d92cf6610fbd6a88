public import SharedMemory

/// The buffers of one chain in order, readable ones first: a scratch list that is used again for
/// every chain. The rules that all ring layouts share are checked here, once.
public struct Segments: ~Copyable {
  @usableFromInline var list: FixedList<Segment>
  @usableFromInline var tally = Tally()

  /// What a walk counts, in registers: in the list itself each count would be a store.
  @frozen
  public struct Tally: BitwiseCopyable {
    @usableFromInline var readableCount = 0
    @usableFromInline var readableBytes: UInt64 = 0
    @usableFromInline var writableBytes: UInt64 = 0

    @inlinable
    public init() {}
  }

  /// How many of the segments the device reads; the others it writes.
  package var readableCount: Int { tally.readableCount }
  package var readableBytes: UInt64 { tally.readableBytes }
  package var writableBytes: UInt64 { tally.writableBytes }

  /// Room for `capacity` segments; a longer chain makes it larger, once.
  package init(capacity: Int = 64) { list = FixedList(capacity: max(1, capacity)) }

  @inlinable
  public var count: Int { list.count }

  @inlinable
  public subscript(index: Int) -> Segment { list[index] }

  package mutating func removeAll() {
    list.removeAll()
    tally = Tally()
  }

  /// Adds the buffer of a descriptor whose flags the ring has read. False when it is misplaced or
  /// the list is full; the tally is then wrong.
  @inlinable @inline(__always)
  public mutating func append(
    _ address: UInt64, _ count: UInt32, isWritable: Bool, _ tally: inout Tally
  ) -> Bool {
    // At most 32768 descriptors of 32 bits: no sum overflows.
    if isWritable {
      tally.writableBytes &+= UInt64(count)
    } else {
      // VIRTIO 1.2 section 2.7.4.2: device-writable elements follow all device-readable ones.
      guard tally.readableCount == list.count else { return false }
      tally.readableCount &+= 1
      tally.readableBytes &+= UInt64(count)
    }
    return list.append(
      Segment(address: GuestAddress(address), count: count, isWritable: isWritable))
  }

  /// Begins a walk that ends with `settle`, or with `removeAll` when it fails.
  @inlinable @inline(__always)
  public mutating func begin() { list.removeAll() }

  /// Ends a walk. False when the chain describes more than 2^32 bytes (section 2.7.5.2).
  @inlinable @inline(__always)
  public mutating func settle(_ tally: Tally) -> Bool {
    self.tally = tally
    return tally.readableBytes &+ tally.writableBytes <= 1 << 32
  }

  /// Makes room for one more segment at least.
  @inline(never)
  package mutating func grow() {
    if list.count == list.capacity { list.reserve(list.capacity * 2) }
  }
}
