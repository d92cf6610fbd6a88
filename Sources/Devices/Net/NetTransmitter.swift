internal import Engine
internal import SharedMemory
internal import Virtio

/// The transmit queue of a card: finds and checks the frames in it (VIRTIO 1.2 section 5.1.6.2).
///
/// A frame that a guest got wrong is counted, and its chain given back; a chain outside of the
/// guest's memory stops the queue.
struct NetTransmitter: ~Copyable {
  private let mtu: Int
  private let counters: NetCounters
  private var acked: FeatureBits = []
  private var framing = NetFraming.virtio
  /// What `acked` and `framing` say of each frame, looked up once.
  private var lead = NetHeader.legacyByteCount
  private var frameByteCountMax = NetLimits.frameByteCountMax
  private var segments = Segments(capacity: NetLimits.segments)
  private var tally = NetTally()
  private var scatter = NetScatter()
  /// Of the newest frame that is done with: 0 where its form has none.
  private(set) var newestCookie: UInt64 = 0
  /// Frames were done with since `takeFinished`.
  private var hasFinished = false

  init(mtu: Int, counters: NetCounters) {
    self.mtu = mtu
    self.counters = counters
  }

  mutating func negotiated(_ features: FeatureBits, _ framing: NetFraming = .virtio) {
    acked = features
    self.framing = framing
    lead = framing.leadByteCount(features)
    newestCookie = 0
    hasFinished = false
    // 5.1.4.2: a driver that knows the MTU sends no larger packet. One VLAN tag is no part of it.
    let longest = mtu + NetLimits.ethernetByteCount + 4
    frameByteCountMax = features.contains(.netMTU) ? longest : NetLimits.frameByteCountMax
  }

  mutating func serve<R: Ring & ~Copyable, Sink: FrameSink & ~Copyable>(
    _ ring: inout R, _ memory: GuestMemory, budget: Int, to sink: inout Sink
  ) throws(RingFault) -> Progress {
    defer { count() }
    for _ in 0..<budget {
      guard let loan = try ring.next(&segments) else { return .drained }
      let fate: FrameFate
      do throws(MemoryFault) { fate = try send(memory, to: &sink) } catch {
        loan.forfeit()
        throw .memory(error)
      }
      switch fate {
      case .sent: break
      case .dropped: tally.dropped += 1
      case .malformed: tally.errors += 1
      case .held:
        ring.putBack(loan)
        return .idle
      }
      ring.settle(loan, written: 0)
    }
    return .more
  }

  @inline(__always)
  private mutating func send<Sink: FrameSink & ~Copyable>(
    _ memory: GuestMemory, to sink: inout Sink
  ) throws(MemoryFault) -> FrameFate {
    // The shortest frame is one Ethernet header, the longest a packet of 64 KiB.
    let least = UInt64(lead + NetLimits.ethernetByteCount)
    guard segments.readableBytes >= least,
      segments.readableBytes <= UInt64(lead + NetLimits.frameByteCountMax)
    else { return framing == .scattered ? try gather(memory, to: &sink) : .malformed }
    let byteCount = Int(segments.readableBytes) - lead
    // Copied once: the guest may change it at any time.
    let written = try header(memory)
    guard let header = written.checked(frameByteCount: byteCount, from: acked),
      header.isSegmented || byteCount <= frameByteCountMax
    else { return .malformed }
    let frame = OutgoingFrame(header: header, offset: UInt64(lead), byteCount: byteCount)
    let fate = try sink.take(frame, segments, memory)
    if fate == .sent {
      tally.packets += 1
      tally.bytes += byteCount
    }
    return fate
  }

  /// Sends the frame whose parts the header in the chain names (`VenetPacket`). The header is
  /// copied once: by the copy the frame is checked, and from it the parts are taken.
  @inline(never)
  private mutating func gather<Sink: FrameSink & ~Copyable>(
    _ memory: GuestMemory, to sink: inout Sink
  ) throws(MemoryFault) -> FrameFate {
    guard let packet = try scatter.read(&segments, isWritable: false, of: memory),
      UInt64(packet.byteCount) == segments.readableBytes,
      packet.byteCount >= NetLimits.ethernetByteCount,
      packet.byteCount <= NetLimits.frameByteCountMax,
      let header = packet.header?.checked(frameByteCount: packet.byteCount, from: acked),
      header.isSegmented || packet.byteCount <= frameByteCountMax
    else { return .malformed }
    let frame = OutgoingFrame(header: header, offset: 0, byteCount: packet.byteCount)
    let fate = try sink.take(frame, segments, memory)
    if fate == .sent {
      tally.packets += 1
      tally.bytes += packet.byteCount
    }
    if fate != .held { newestCookie = packet.cookie }
    return fate
  }

  /// The header as the guest wrote it.
  @inline(__always)
  private func header(_ memory: GuestMemory) throws(MemoryFault) -> NetHeader {
    guard lead == NetHeader.byteCount, let words = segments.twelve(from: 0, of: memory)
    else { return try headerInPieces(memory) }
    return NetHeader(low: words.low, high: UInt64(words.high))
  }

  @inline(never)
  private func headerInPieces(_ memory: GuestMemory) throws(MemoryFault) -> NetHeader {
    var bytes = InlineArray<12, UInt8>(repeating: 0)
    var span = bytes.mutableSpan
    try segments.copyOut(from: 0, lead, into: &span, of: memory)
    return NetHeader(bytes.span)
  }

  /// Whether frames were done with since this was last asked, whatever became of them.
  mutating func takeFinished() -> Bool {
    defer { hasFinished = false }
    return hasFinished
  }

  private mutating func count() {
    if tally.packets | tally.dropped | tally.errors != 0 { hasFinished = true }
    counters.add(tally.packets, to: .txPackets)
    counters.add(tally.bytes, to: .txBytes)
    counters.add(tally.dropped, to: .txDropped)
    counters.add(tally.errors, to: .txErrors)
    tally = NetTally()
  }
}
