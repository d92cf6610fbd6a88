public import Rings
package import SharedMemory

/// A stretch of a client's memory that is handed out.
public struct ClientBuffer: Hashable, Sendable {
  /// What rings and calls name it by.
  public let address: UInt64
  /// Where in the memory it begins.
  public let offset: Int
  /// As many bytes as were asked for.
  public let byteCount: Int

  /// Names a buffer; the memory says whether it is one.
  public init(address: UInt64, offset: Int, byteCount: Int) {
    self.address = address
    self.offset = offset
    self.byteCount = byteCount
  }

  /// A part of it; nil where it has none such.
  public func part(from start: Int, _ count: Int) -> ClientBuffer? {
    guard start >= 0, count >= 0, start <= byteCount, byteCount - start >= count else { return nil }
    return ClientBuffer(
      address: address + UInt64(start), offset: offset + start, byteCount: count)
  }

  /// As a ring names it; at most `byteCount` bytes of it.
  public func segment(isWritable: Bool, byteCount: Int? = nil) -> Segment {
    let count = min(max(0, byteCount ?? self.byteCount), self.byteCount)
    return Segment(
      address: GuestAddress(address), count: UInt32(clamping: count), isWritable: isWritable)
  }
}

/// Memory of a client from which buffers are taken and to which they are given back.
///
/// What there is no room for is nil, never a trap: how much is needed often depends on a peer.
public final class ClientMemory {
  /// Where the buffers lie.
  public let memory: BusMemory
  /// What is free, in the order of its places; no two touch each other.
  private var free: [Range<Int>]
  /// What is handed out: its whole stretch, by where it begins.
  private var lent: [Int: Range<Int>] = [:]

  /// Every buffer begins at a multiple of this, and ends at one.
  public static let granule = 16

  /// All of the memory is free.
  public init(_ memory: BusMemory) {
    self.memory = memory
    free = [0..<(memory.byteCount / Self.granule * Self.granule)]
  }

  /// Takes a buffer, which holds what was left there; nil when there is no room for it, for no
  /// bytes, and for an alignment that is no power of two.
  public func allocate(
    _ byteCount: Int, alignment: Int = ClientMemory.granule
  ) -> ClientBuffer? {
    guard byteCount > 0, byteCount <= memory.byteCount, alignment > 0,
      alignment & (alignment - 1) == 0, alignment <= memory.byteCount
    else { return nil }
    let step = max(alignment, Self.granule)
    let length = (byteCount + Self.granule - 1) / Self.granule * Self.granule
    for (place, range) in free.enumerated() {
      let start = (range.lowerBound + step - 1) / step * step
      guard start <= range.upperBound, range.upperBound - start >= length else { continue }
      let rest = [range.lowerBound..<start, (start + length)..<range.upperBound]
      free.replaceSubrange(place...place, with: rest.filter { !$0.isEmpty })
      lent[start] = start..<(start + length)
      return ClientBuffer(
        address: memory.address(of: start), offset: start, byteCount: byteCount)
    }
    return nil
  }

  /// Gives a buffer back; false when it is not handed out, or is another one's.
  @discardableResult
  public func deallocate(_ buffer: ClientBuffer) -> Bool {
    guard holds(buffer), let range = lent.removeValue(forKey: buffer.offset) else { return false }
    var (low, high) = (0, free.count)
    while low < high {
      let middle = (low + high) / 2
      if free[middle].lowerBound < range.lowerBound { low = middle + 1 } else { high = middle }
    }
    free.insert(range, at: low)
    merge(low)
    if low > 0 { merge(low - 1) }
    return true
  }

  /// Makes one of two neighbours that touch each other.
  private func merge(_ place: Int) {
    guard place + 1 < free.count, free[place].upperBound == free[place + 1].lowerBound else {
      return
    }
    free[place] = free[place].lowerBound..<free[place + 1].upperBound
    free.remove(at: place + 1)
  }

  /// Whether this buffer is one that is handed out.
  private func holds(_ buffer: ClientBuffer) -> Bool {
    guard let range = lent[buffer.offset] else { return false }
    return buffer.address == memory.address(of: buffer.offset)
      && buffer.byteCount <= range.count
  }

  /// What a buffer holds now: at most `count` bytes of it.
  public func bytes(of buffer: ClientBuffer, count: Int? = nil) -> [UInt8] {
    guard holds(buffer) else { return [] }
    return memory.bytes(
      at: buffer.offset, byteCount: min(max(0, count ?? buffer.byteCount), buffer.byteCount))
  }

  /// Writes to the beginning of a buffer; false when the bytes do not fit.
  @discardableResult
  public func set(_ bytes: [UInt8], in buffer: ClientBuffer) -> Bool {
    guard holds(buffer), bytes.count <= buffer.byteCount else { return false }
    memory.setBytes(bytes, at: buffer.offset)
    return true
  }

  /// The bytes of a buffer as words. Precondition: it is handed out.
  package func window(of buffer: ClientBuffer) -> SharedWindow {
    precondition(holds(buffer), "a buffer that is not handed out")
    return memory.bytes.window(at: buffer.offset, byteCount: buffer.byteCount)
  }
}
