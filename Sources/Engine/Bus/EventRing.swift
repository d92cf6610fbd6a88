internal import LinuxSystem
internal import SharedMemory
internal import Vbus
internal import VbusLink
internal import Virtio

/// A ring in a client's memory through which it gets events of one priority. Those that find no
/// entry wait in the session, where there is room for each signal and device once.
final class EventRing {
  private unowned let client: BusClient
  private let queue: EventQueue
  private let hostBell: EventDescriptor
  private let clientBell: EventDescriptor
  private var ring: IoqRing?
  private var segments = Segments(capacity: 1)
  private var token: EventLoop.Token?

  /// Attaches to a ring that the client has formatted; EINVAL for what is none. `bells`: the one
  /// that we hear, and the client's.
  init(_ queue: EventQueue, _ bells: [Descriptor], of client: BusClient) throws(Errno) {
    guard bells.count == 2, let size = IoqSize(queue.count) else { throw .invalid }
    self.queue = queue
    self.client = client
    hostBell = EventDescriptor(bells[0])
    clientBell = EventDescriptor(bells[1])
    do throws(RingFault) {
      ring = try IoqRing(
        at: GuestAddress(queue.ring), byteCount: IoqLayout.byteCount(size), flow: .fromDevice,
        memory: client.memory)
    } catch { throw .invalid }
    token = try client.bus.loop.watch(hostBell.descriptor, for: [.readable, .edge]) {
      [unowned self] _ in deliver()
    }
  }

  func end() {
    if let token { client.bus.loop.remove(token) }
    token = nil
    ring = nil
  }

  /// Puts in what waits, as far as there are entries. A ring that breaks a rule gets no more.
  func deliver() {
    guard var ring = ring.take() else { return }
    do throws(RingFault) {
      try fill(&ring)
      self.ring = consume ring
    } catch { end() }
  }

  private func fill(_ ring: inout IoqRing) throws(RingFault) {
    var fault: RingFault?
    repeat {
      ring.disableKicks()
      while fault == nil, client.session.hasEvent(Int(queue.priority)) {
        var isPut = false
        _ = client.deliver(Int(queue.priority)) { event in
          do throws(RingFault) { isPut = try put(event, &ring) } catch { fault = error }
          return isPut
        }
        guard isPut else { break }
      }
      ring.publish()
      if ring.shouldInterrupt() { clientBell.ring() }
      if let fault { throw fault }
    } while ring.enableKicks() && client.session.hasEvent(Int(queue.priority))
  }

  /// False when no entry is free.
  private func put(_ event: Event, _ ring: inout IoqRing) throws(RingFault) -> Bool {
    guard let loan = try ring.next(&segments) else { return false }
    let (address, count) = (segments[0].address.rawValue, segments[0].count)
    let byteCount = UInt64(Event.recordByteCount)
    let offset = address &- queue.records
    // The original checks each descriptor's address and length against the records.
    guard count == UInt32(byteCount), offset % byteCount == 0,
      offset / byteCount < UInt64(queue.count)
    else {
      loan.forfeit()
      throw .memory(.outside(address: address, byteCount: UInt64(count)))
    }
    do throws(MemoryFault) {
      try client.memory.copyIn(event.record.span, to: GuestAddress(address))
    } catch {
      loan.forfeit()
      throw .memory(error)
    }
    ring.settle(loan, written: UInt32(byteCount))
    return true
  }
}
