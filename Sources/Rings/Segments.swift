public import SharedMemory

/// The buffers of one chain in order, readable ones first: a scratch list that is used again for
/// every chain. The rules that all ring layouts share are checked here, once.
public struct Segments: ~Copyable {
  @usableFromInline var list: FixedList<Segment>
  @usableFromInline var tally = Tally()

  /// What a walk counts, in registers: in the list itself each count would be a store.
  public struct Tally: BitwiseCopyable {
    @usableFromInline var readableCount = 0
    @usableFromInline var readableBytes: UInt64 = 0
    /// At most 32768 descriptors of 32 bits: no sum overflows.
    public var bytes: UInt64 = 0

    @inlinable
    public init() {}

    /// All so far are readable, which are so many segments.
    @inlinable @inline(__always)
    public mutating func allReadable(_ count: Int) {
      readableCount = count
      readableBytes = bytes
    }

    /// Counts a segment that comes after `before` others. False when it is misplaced.
    mutating func add(_ segment: Segment, after before: Int) -> Bool {
      bytes &+= UInt64(segment.count)
      guard !segment.isWritable else { return true }
      // VIRTIO 1.2 section 2.7.4.2: device-writable elements follow all device-readable ones.
      guard readableCount == before else { return false }
      allReadable(before &+ 1)
      return true
    }
  }

  /// How many of the segments the device reads; the others it writes.
  package var readableCount: Int { tally.readableCount }
  package var readableBytes: UInt64 { tally.readableBytes }
  package var writableBytes: UInt64 { tally.bytes &- tally.readableBytes }

  /// Room for `capacity` segments; a longer chain makes it larger, once.
  package init(capacity: Int = 64) {
    list = FixedList(Segment((0, 0)), capacity: max(1, capacity))
  }

  @inlinable
  public var count: Int { list.count }

  @inlinable
  public subscript(index: Int) -> Segment { list[index] }

  package mutating func removeAll() {
    list.removeAll()
    tally = Tally()
  }

  /// Adds a segment to the list, which grows when it is full. False when it is misplaced.
  package mutating func append(_ segment: Segment, _ tally: inout Tally) -> Bool {
    guard tally.add(segment, after: list.count) else { return false }
    if list.append(segment) { return true }
    list.reserve(list.capacity * 2)
    return list.append(segment)
  }

  /// Puts a segment to a place of a walk that ends with `settle`; false where there is none.
  @inlinable @inline(__always)
  public mutating func put(_ segment: Segment, at index: Int) -> Bool {
    list.put(segment, at: index)
  }

  /// Ends a walk over so many segments.
  @inlinable @inline(__always)
  public mutating func settle(_ count: Int, _ tally: Tally) -> Bool {
    list.fill(count)
    return settle(tally)
  }

  /// Ends a walk. False when the chain describes more than 2^32 bytes (section 2.7.5.2).
  @inlinable @inline(__always)
  public mutating func settle(_ tally: Tally) -> Bool {
    self.tally = tally
    return tally.bytes <= 1 << 32
  }

  /// Makes it a chain of one buffer, which breaks no rule.
  @inlinable @inline(__always)
  public mutating func replaceAll(with segment: Segment) {
    tally = Tally()
    tally.bytes = UInt64(segment.count)
    if !segment.isWritable { tally.allReadable(1) }
    // There is always room for one.
    _ = list.put(segment, at: 0)
    list.fill(1)
  }
}
