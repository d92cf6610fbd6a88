internal import Rings
internal import SharedMemory
internal import StreamLink
internal import Vbus
internal import VbusLink
internal import Virtio

/// The device's half of a ring of the client's, played here: takes what the driver posts, to be
/// carried to the host, and gives it back with what came from there.
final class StreamRing {
  enum Format: Hashable { case ioq(Flow), virtqueue }

  let format: Format
  private let address: GuestAddress
  private let byteCount: Int
  private let memory: GuestMemory
  private var split: SplitRing?
  private var ioq: IoqRing?
  /// The signal beside a virtqueue.
  private var signal: WindowSignal?
  private var segments = Segments()
  /// What the host has, by number.
  private var lent: [UInt32: Lent] = [:]
  private var idle: [UInt32] = []
  private var lentByteCount = 0
  /// Something was settled since the driver was last considered for a bell.
  private var hasNews = false
  /// The driver broke a rule; nothing is taken until a reset.
  private(set) var isBroken = false

  /// A chain that the host has.
  private struct Lent {
    let head: UInt16
    let byteCount: Int
    /// The buffers that are still to be filled, the first from `offset` on.
    var targets: [Segment]
    var offset = 0
    let last: GuestAddress?
    let writable: Int
    var filled = 0
  }

  init(_ format: Format, at address: UInt64, byteCount: Int, in memory: GuestMemory) {
    self.format = format
    self.address = GuestAddress(address)
    self.byteCount = byteCount
    self.memory = memory
  }

  var isRunning: Bool { split != nil || ioq != nil }

  /// The number of entries of a ring that the driver has formatted; nil for one that breaks a rule.
  func size() -> UInt32? {
    do throws(RingFault) {
      switch format {
      case .ioq(let flow):
        let ring = try IoqRing(at: address, byteCount: byteCount, flow: flow, memory: memory)
        return UInt32(ring.capacity)
      case .virtqueue: return UInt32(try VirtqueueLayout.check(window()).rawValue)
      }
    } catch { return nil }
  }

  private func window() throws(RingFault) -> SharedWindow {
    do throws(MemoryFault) {
      return try memory.window(
        guestAddress: address, byteCount: byteCount, alignment: VirtqueueLayout.alignment)
    } catch { throw .misplaced(.descriptors, error) }
  }

  /// Begins to look at the ring: from its start, and at once.
  func begin(_ features: FeatureBits) {
    guard !isRunning, !isBroken else { return }
    do throws(RingFault) {
      switch format {
      case .ioq(let flow):
        ioq = try IoqRing(at: address, byteCount: byteCount, flow: flow, memory: memory)
      case .virtqueue: try beginSplit(features)
      }
      hasNews = true
    } catch { isBroken = true }
  }

  private func beginSplit(_ features: FeatureBits) throws(RingFault) {
    let window = try window()
    let size = try VirtqueueLayout.check(window)
    var signal = try WindowSignal(window, at: VirtqueueLayout.signal, as: .south)
    split = try SplitRing(inBlock: window, size: size, memory: memory, features: features)
    signal.listen()
    self.signal = signal
  }

  /// The device was reset: what was posted is forgotten, on both ends.
  func reset() {
    stop()
    isBroken = false
  }

  private func stop() {
    split = nil
    ioq = nil
    signal = nil
    (lent, idle, lentByteCount, hasNews) = ([:], [], 0, false)
  }

  /// The driver broke a rule. What the host has of it comes back to nobody.
  private func fail() {
    stop()
    isBroken = true
  }

  // MARK: Towards the host

  /// A chain with all that the device may read of it.
  struct Posted {
    var chain: StreamChain
    let readable: [UInt8]
    /// The one buffer of an ioq's entry.
    let buffer: Segment?
  }

  /// The next chain that the driver posted, as far as the host may have more. Nil when there is
  /// none; the driver rings for the next.
  func next() -> Posted? {
    var posted: Posted?
    var isFaulty = false
    if var ring = split.take() {
      do throws(RingFault) { posted = try nextOrListen(&ring) } catch { isFaulty = true }
      split = consume ring
    } else if var ring = ioq.take() {
      do throws(RingFault) { posted = try nextOrListen(&ring) } catch { isFaulty = true }
      ioq = consume ring
    }
    if isFaulty { fail() }
    return posted
  }

  private func nextOrListen<R: Ring & ~Copyable>(
    _ ring: inout R
  ) throws(RingFault) -> Posted? {
    // Twice at most: what comes after that rings.
    for _ in 0..<2 {
      guard lent.count < min(ring.capacity, StreamLimits.chainCountMax) else {
        // What is posted when there is room again rings.
        signal?.listen()
        _ = ring.enableKicks()
        return nil
      }
      if let loan = try ring.next(&segments) { return try take(loan, &ring) }
      signal?.listen()
      guard ring.enableKicks() else { return nil }
    }
    return nil
  }

  private func take<R: Ring & ~Copyable>(
    _ loan: consuming Loan, _ ring: inout R
  ) throws(RingFault) -> Posted? {
    let byteCount = segments.readableBytes + segments.writableBytes
    guard byteCount <= UInt64(StreamLimits.chainByteCountMax) else {
      loan.forfeit()
      throw .chainTooLong
    }
    guard lent.isEmpty || lentByteCount + Int(byteCount) <= StreamLimits.chainByteCountMax else {
      ring.putBack(loan)
      return nil
    }
    let posted: (Posted, Lent)
    do throws(MemoryFault) { posted = try describe(loan.head, Int(byteCount)) } catch {
      loan.forfeit()
      throw .memory(error)
    }
    _ = loan.settled()
    var chain = posted.0
    chain.chain.number = idle.popLast() ?? UInt32(lent.count)
    lent[chain.chain.number] = posted.1
    lentByteCount += Int(byteCount)
    return chain
  }

  private func describe(
    _ head: UInt16, _ byteCount: Int
  ) throws(MemoryFault) -> (Posted, Lent) {
    let readable = Int(segments.readableBytes)
    let writable = Int(segments.writableBytes)
    var bytes = [UInt8](repeating: 0, count: readable)
    var span = bytes.mutableSpan
    if readable > 0 { try segments.copyOut(from: 0, readable, into: &span, of: memory) }
    var targets: [Segment] = []
    for index in segments.readableCount..<segments.count { targets.append(segments[index]) }
    // Now, and not when the host has done its work, a buffer outside of the memory is found.
    for target in targets { try checkPresence(target) }
    let end = targets.last { $0.count > 0 }.map {
      GuestAddress($0.address.rawValue &+ UInt64($0.count) &- 1)
    }
    var last: [UInt8] = [0]
    if let end {
      var span = last.mutableSpan
      try memory.copyOut(from: end, 1, into: &span)
    }
    let chain = StreamChain(
      share: 0, number: 0, readable: UInt32(readable), writable: UInt32(writable),
      last: last[0])
    let buffer = ioqBuffer
    return (
      Posted(chain: chain, readable: bytes, buffer: buffer),
      Lent(head: head, byteCount: byteCount, targets: targets, last: end, writable: writable)
    )
  }

  private var ioqBuffer: Segment? {
    guard case .ioq = format, segments.count == 1 else { return nil }
    return segments[0]
  }

  private func checkPresence(_ target: Segment) throws(MemoryFault) {
    guard target.count > 0 else { return }
    _ = try memory.window(
      guestAddress: target.address, byteCount: Int(target.count), alignment: 1)
  }

  // MARK: From the host

  /// Puts the next bytes that the device wrote into a chain's buffers; false when it has none such.
  func write(_ bytes: [UInt8], to number: UInt32) -> Bool {
    guard isRunning else { return true }
    guard var chain = lent[number], chain.filled + bytes.count <= chain.writable else {
      return false
    }
    chain.filled += bytes.count
    var rest = bytes[...]
    while let target = chain.targets.first, !rest.isEmpty {
      let count = min(rest.count, Int(target.count) - chain.offset)
      let place = GuestAddress(target.address.rawValue &+ UInt64(chain.offset))
      // It was there when it was taken; a client that takes its own memory away loses the bytes.
      try? memory.copyIn(Array(rest.prefix(count)).span, to: place)
      rest = rest.dropFirst(count)
      chain.offset += count
      if chain.offset == Int(target.count) {
        chain.targets.removeFirst()
        chain.offset = 0
      }
    }
    lent[number] = chain
    return true
  }

  /// Gives a chain back; false when it is not lent, or has not got all its bytes.
  func settle(_ number: UInt32, written: UInt32, last: UInt8) -> Bool {
    guard isRunning else { return true }
    guard let chain = lent[number], chain.filled == Int(written) else { return false }
    lent[number] = nil
    idle.append(number)
    lentByteCount -= chain.byteCount
    if let end = chain.last, chain.filled < chain.writable {
      try? memory.copyIn([last].span, to: end)
    }
    if var ring = split.take() {
      ring.settle(Loan(head: chain.head), written: written)
      split = consume ring
    } else if var ring = ioq.take() {
      ring.settle(Loan(head: chain.head), written: written)
      ioq = consume ring
    }
    hasNews = true
    return true
  }

  /// Shows the driver what came back; true when it wants a bell for it.
  func publish() -> Bool {
    guard hasNews else { return false }
    hasNews = false
    var wantsBell = false
    if var ring = split.take() {
      ring.publish()
      wantsBell = ring.shouldInterrupt()
      split = consume ring
      if wantsBell, let signal { wantsBell = signal.inject() }
    } else if var ring = ioq.take() {
      ring.publish()
      wantsBell = ring.shouldInterrupt()
      ioq = consume ring
    }
    return wantsBell
  }
}
