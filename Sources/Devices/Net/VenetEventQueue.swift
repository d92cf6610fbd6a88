internal import Engine
internal import SharedMemory
internal import VbusLink
internal import Virtio

/// The events of a card that wait for buffers of its driver. Of each kind only the newest is kept,
/// so that a driver which posts no buffers costs nothing.
struct VenetEventQueue: ~Copyable {
  private var link: Bool?
  private var sent: UInt64?
  private var segments = Segments(capacity: 1)

  mutating func removeAll() { (link, sent) = (nil, nil) }

  mutating func linkChanged(isUp: Bool) { link = isUp }
  mutating func transmitted(_ cookie: UInt64) { sent = cookie }

  /// Writes what waits to the buffers that were posted, which have to lie in the pool.
  mutating func serve<R: Ring & ~Copyable>(
    _ ring: inout R, _ memory: GuestMemory, budget: Int,
    pool: (address: UInt64, byteCount: UInt32)?
  ) throws(RingFault) -> Progress {
    for _ in 0..<budget {
      guard link != nil || sent != nil else { return .idle }
      guard let loan = try ring.next(&segments) else { return .drained }
      let written: Int
      do throws(RingFault) { written = try fill(memory, pool) } catch {
        loan.forfeit()
        throw error
      }
      ring.settle(loan, written: UInt32(written))
    }
    return .more
  }

  private mutating func fill(
    _ memory: GuestMemory, _ pool: (address: UInt64, byteCount: UInt32)?
  ) throws(RingFault) -> Int {
    guard segments.writableBytes >= UInt64(VenetEvents.byteCountMax) else {
      throw .noRoomForAnswer
    }
    let place = segments[0].address.rawValue
    guard let pool, place >= pool.address, place - pool.address <= UInt64(pool.byteCount),
      UInt64(pool.byteCount) - (place - pool.address) >= UInt64(segments[0].count)
    else { throw .outsideOfPool(place) }
    var bytes = InlineArray<24, UInt8>(repeating: 0)
    var span = bytes.mutableSpan
    let byteCount = take(&span)
    do throws(MemoryFault) {
      _ = try segments.copyIn(bytes.span.extracting(0..<byteCount), at: 0, of: memory)
    } catch { throw .memory(error) }
    return byteCount
  }

  /// Takes one event that waits; answers how long it is.
  private mutating func take(_ bytes: inout MutableSpan<UInt8>) -> Int {
    if let isUp = link {
      link = nil
      Self.begin(&bytes, VenetEvents.linkState, VenetEvents.linkStateByteCount)
      bytes[VenetEvents.content] = isUp ? 1 : 0
      return VenetEvents.linkStateByteCount
    }
    Self.begin(&bytes, VenetEvents.transmitComplete, VenetEvents.transmitCompleteByteCount)
    bytes[VenetEvents.content] = UInt8(NetQueue.transmit)
    setWordOfBytes(&bytes, at: VenetEvents.cookie, to: sent ?? 0)
    sent = nil
    return VenetEvents.transmitCompleteByteCount
  }

  private static func begin(
    _ bytes: inout MutableSpan<UInt8>, _ number: UInt32, _ byteCount: Int
  ) {
    setWordOfBytes(&bytes, at: VenetEvents.flags, to: UInt64(byteCount) << 32)
    setWordOfBytes(&bytes, at: VenetEvents.number, to: UInt64(number))
  }
}
