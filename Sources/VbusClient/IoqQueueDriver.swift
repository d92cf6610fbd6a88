internal import Rings
internal import SharedMemory
internal import Vbus
internal import Virtio

/// An ioq: single buffers, all of them one way.
final class IoqQueueDriver: QueueDriver {
  private var ring: IoqDriverRing
  /// By slot, out of the device's reach.
  private var cookies: [UInt64]
  private var postedCount = 0

  var capacity: Int { ring.size.count }
  var room: Int { capacity - postedCount }

  /// Formats all of the window. Precondition: it has exactly the ring's size.
  init(formatting window: SharedWindow, size: IoqSize, flow: Flow) throws(BusError) {
    ring = try Self.ring(window, size, flow)
    cookies = Array(repeating: 0, count: size.count)
  }

  func restart(_ window: SharedWindow, _ features: FeatureBits) throws(BusError) {
    ring = try Self.ring(window, ring.size, ring.flow)
    postedCount = 0
  }

  private static func ring(
    _ window: SharedWindow, _ size: IoqSize, _ flow: Flow
  ) throws(BusError) -> IoqDriverRing {
    do throws(RingFault) {
      return try IoqDriverRing(formatting: window, size: size, flow: flow)
    } catch { throw .ring(error) }
  }

  func post(_ chain: [Segment], cookie: UInt64) throws(BusError) -> Bool {
    guard chain.count == 1, let segment = chain.first else { throw .refused(.invalid) }
    return try post(segment, cookie: cookie)
  }

  func post(_ segment: Segment, cookie: UInt64) throws(BusError) -> Bool {
    guard segment.isWritable == (ring.flow == .fromDevice) else { throw .refused(.invalid) }
    let slot = ring.post(
      cookie: cookie, address: segment.address.rawValue, byteCount: segment.count)
    guard let slot else { return false }
    cookies[Int(slot)] = cookie
    postedCount += 1
    return true
  }

  func publish() -> Bool { ring.publish() }

  func reap() throws(BusError) -> QueueCompletion? {
    let completion: IoqCompletion?
    do throws(RingFault) { completion = try ring.reap() } catch { throw .ring(error) }
    guard let completion else { return nil }
    postedCount -= 1
    return QueueCompletion(
      cookie: cookies[Int(completion.slot)], written: completion.written)
  }

  func disableNotifications() { ring.disableNotifications() }
  func enableNotifications() -> Bool { ring.enableNotifications() }
}
