internal import LinuxSystem
internal import Vbus
internal import VbusLink

/// One event queue of a client: a ring whose entries are records that the host fills.
final class EventRing {
  let queue: EventQueue
  let bells: SharedSignal.Bells
  private let memory: BusMemory
  private let records: Int
  private var ring: IoqDriverRing

  /// The bytes that a queue of so many entries takes, ring and records.
  static func byteCount(_ size: IoqSize) -> Int {
    ringByteCount(size) + size.count * Event.recordByteCount
  }

  private static func ringByteCount(_ size: IoqSize) -> Int { IoqLayout.byteCount(size) }

  /// Formats a queue in memory, with all its records empty. Precondition: they lie in it, at a
  /// multiple of 8.
  init(_ size: IoqSize, priority: Int, in memory: BusMemory, at offset: Int) throws(BusError) {
    let ringByteCount = Self.ringByteCount(size)
    let window = memory.bytes.window(at: offset, byteCount: ringByteCount)
    var ring: IoqDriverRing
    do throws(RingFault) {
      ring = try IoqDriverRing(formatting: window, size: size, flow: .fromDevice)
    } catch { throw .ring(error) }
    do throws(Errno) { bells = try SharedSignal.Bells() } catch { throw .exhausted(error) }
    let records = offset + ringByteCount
    for index in 0..<size.count {
      _ = ring.post(
        cookie: UInt64(index),
        address: memory.address(of: records + index * Event.recordByteCount),
        byteCount: UInt32(Event.recordByteCount))
    }
    _ = ring.publish()
    _ = ring.enableNotifications()
    self.ring = ring
    self.memory = memory
    self.records = records
    queue = EventQueue(
      count: UInt32(size.count), priority: UInt32(priority), ring: memory.address(of: offset),
      records: memory.address(of: records))
  }

  /// Takes what has come, at most one lap, so that a busy host keeps nobody here. True when there
  /// may be more.
  func drain(_ body: (Event) throws(BusError) -> Void) throws(BusError) -> Bool {
    bells.client.clear()
    for _ in 0..<ring.size.count {
      guard let event = try next() else {
        giveBack()
        guard ring.enableNotifications() else { return false }
        continue
      }
      try body(event)
    }
    giveBack()
    return true
  }

  /// Lets the host have the records that were taken.
  private func giveBack() { if ring.publish() { bells.host.ring() } }

  /// Takes one record and posts it again.
  private func next() throws(BusError) -> Event? {
    let completion: IoqCompletion?
    do throws(RingFault) { completion = try ring.reap() } catch { throw .ring(error) }
    guard let completion else { return nil }
    let offset = records + Int(completion.slot) * Event.recordByteCount
    // Copied first: the host can still write to it.
    let record = memory.bytes(at: offset, byteCount: Event.recordByteCount)
    guard completion.written == Event.recordByteCount, let event = Event(record: record) else {
      throw .nonsense(.malformedRecord)
    }
    _ = ring.post(
      cookie: UInt64(completion.slot), address: memory.address(of: offset),
      byteCount: UInt32(Event.recordByteCount))
    return event
  }
}
