internal import Engine
internal import SharedMemory
internal import VbusLink
internal import Virtio

/// The receive queue of a card: puts frames into the buffers that the guest has lent (VIRTIO 1.2
/// section 5.1.6.4).
struct NetReceiver: ~Copyable {
  /// What became of a frame for the guest.
  enum Delivery {
    case delivered
    /// There are too few buffers: the frame has to wait for more.
    case starved
    /// No buffers of this queue will ever hold it.
    case unfit
  }

  private let mtu: Int
  private let counters: NetCounters
  private var acked: FeatureBits = []
  private var framing = NetFraming.virtio
  /// What `acked` and `framing` say of each frame, looked up once.
  private var lead = NetHeader.legacyByteCount
  private var takesFlags = false
  private var mergesBuffers = false
  private var frameByteCountMax = Int.max
  /// The first chain of a frame, whose header is finished last, and one of the others.
  private var first = Segments(capacity: NetLimits.segments)
  private var other = Segments(capacity: NetLimits.segments)
  private var loans = LoanList(capacity: NetLimits.segments)
  private var tally = NetTally()
  private var scatter = NetScatter()

  init(mtu: Int, counters: NetCounters) {
    self.mtu = mtu
    self.counters = counters
  }

  mutating func negotiated(_ features: FeatureBits, _ framing: NetFraming = .virtio) {
    acked = features
    self.framing = framing
    lead = framing.leadByteCount(features)
    takesFlags = features.contains(.netGuestChecksum)
    mergesBuffers = features.contains(.netMergeableBuffers)
    // 5.1.4.1: a driver that knows the MTU is passed no larger packet that is not to be cut. One
    // VLAN tag is no part of it.
    let longest = mtu + NetLimits.ethernetByteCount + 4
    frameByteCountMax = features.contains(.netMTU) ? longest : .max
  }

  /// Delivers what waits in a queue.
  mutating func serve<R: Ring & ~Copyable>(
    _ queue: inout FrameQueue, _ ring: inout R, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress {
    defer { count() }
    for _ in 0..<budget {
      guard let place = queue.first else { return .idle }
      let delivery = try deliver(
        place.header, queue.bytes.span.extracting(place.range), &ring, memory)
      if delivery == .starved { return .drained }
      queue.remove(place)
    }
    return .more
  }

  /// Puts one frame into the guest's buffers, if it has any that fit, and counts it. The counters
  /// show it after `count`.
  mutating func deliver<R: Ring & ~Copyable>(
    _ header: NetHeader, _ frame: borrowing Span<UInt8>, _ ring: inout R, _ memory: GuestMemory
  ) throws(RingFault) -> Delivery {
    let delivery: Delivery
    do throws(RingFault) { delivery = try place(header, frame, &ring, memory) } catch {
      loans.forfeit()
      throw error
    }
    switch delivery {
    case .delivered:
      tally.packets += 1
      tally.bytes += frame.count
    case .starved: loans.putBack(into: &ring)
    case .unfit:
      loans.putBack(into: &ring)
      tally.errors += 1
    }
    return delivery
  }

  @inline(__always)
  private mutating func place<R: Ring & ~Copyable>(
    _ header: NetHeader, _ frame: borrowing Span<UInt8>, _ ring: inout R, _ memory: GuestMemory
  ) throws(RingFault) -> Delivery {
    // 5.1.6.4: a frame that the driver did not agree to take in this form.
    guard header.isTaken(by: acked), header.isSegmented || frame.count <= frameByteCountMax
    else {
      return .unfit
    }
    guard let loan = try ring.next(&first) else { return .starved }
    // 5.1.6.3.1: each buffer has room for the header at least.
    guard first.writableBytes >= UInt64(lead) else {
      guard framing == .scattered else {
        loans.append(loan, written: 0)
        return .unfit
      }
      return try scatter(loan, header, frame, &ring, memory)
    }
    var done = 0
    do throws(MemoryFault) { done = try begin(header, frame, memory) } catch {
      loan.forfeit()
      throw .memory(error)
    }
    // Most frames take one buffer.
    guard done < frame.count else {
      ring.settle(loan, written: UInt32(lead + done))
      return .delivered
    }
    loans.append(loan, written: UInt32(lead + done))
    while done < frame.count {
      guard mergesBuffers, !loans.isFull, loans.count < ring.capacity
      else { return .unfit }
      guard let loan = try ring.next(&other) else { return .starved }
      let rest = frame.extracting(done..<frame.count)
      var count = 0
      do throws(MemoryFault) { count = try other.copyIn(rest, at: 0, of: memory) } catch {
        loan.forfeit()
        throw .memory(error)
      }
      loans.append(loan, written: UInt32(count))
      done += count
    }
    do throws(MemoryFault) { try finish(memory) } catch { throw .memory(error) }
    loans.settle(in: &ring)
    return .delivered
  }

  /// Writes the header and as much of the frame as the first chain holds; answers how much.
  @inline(__always)
  private mutating func begin(
    _ header: NetHeader, _ frame: borrowing Span<UInt8>, _ memory: GuestMemory
  ) throws(MemoryFault) -> Int {
    var header = header
    // 5.1.6.4.1: without GUEST_CSUM no flags; num_buffers is 1 where buffers are not merged.
    if !takesFlags { header.flags = 0 }
    header.bufferCount = 1
    if lead == NetHeader.byteCount, first.copyIn(header.words, frame, of: memory) {
      return frame.count
    }
    let bytes = header.bytes
    _ = try first.copyIn(bytes.span.extracting(0..<lead), at: 0, of: memory)
    return try first.copyIn(frame, at: UInt64(lead), of: memory)
  }

  /// Puts a frame into the parts that the header in the chain names (`VenetPacket`).
  @inline(never)
  private mutating func scatter<R: Ring & ~Copyable>(
    _ loan: consuming Loan, _ header: NetHeader, _ frame: borrowing Span<UInt8>,
    _ ring: inout R, _ memory: GuestMemory
  ) throws(RingFault) -> Delivery {
    let place = first.count > 0 ? first[0].address : GuestAddress(0)
    var packet: NetPacket?
    do throws(MemoryFault) {
      packet = try scatter.read(&first, isWritable: true, of: memory)
      if packet != nil, first.writableBytes >= UInt64(frame.count) {
        _ = try first.copyIn(frame, at: 0, of: memory)
        try scatter.write(header, frame.count, to: place, first, of: memory)
      }
    } catch {
      loan.forfeit()
      throw .memory(error)
    }
    guard let packet else {
      // What is no header never becomes one: it would be in the way of every other frame.
      ring.settle(loan, written: 0)
      return .unfit
    }
    guard first.writableBytes >= UInt64(frame.count) else {
      loans.append(loan, written: 0)
      return .unfit
    }
    ring.settle(loan, written: UInt32(VenetPacket.byteCount(parts: packet.partCount)))
    return .delivered
  }

  /// Says in the first chain how many there are.
  private mutating func finish(_ memory: GuestMemory) throws(MemoryFault) {
    guard loans.count > 1 else { return }
    let count: InlineArray<2, UInt8> = [
      UInt8(truncatingIfNeeded: loans.count), UInt8(truncatingIfNeeded: loans.count >> 8),
    ]
    _ = try first.copyIn(count.span, at: UInt64(NetHeader.legacyByteCount), of: memory)
  }

  // MARK: Counting

  /// A frame for the guest that never reached its queue.
  mutating func countDropped(_ frames: Int) { tally.dropped += frames }
  /// A frame from the host that is none.
  mutating func countError() { tally.errors += 1 }

  /// Shows in the counters what happened since.
  mutating func count() {
    counters.add(tally.packets, to: .rxPackets)
    counters.add(tally.bytes, to: .rxBytes)
    counters.add(tally.dropped, to: .rxDropped)
    counters.add(tally.errors, to: .rxErrors)
    tally = NetTally()
  }
}
