internal import LinuxSystem
internal import StreamLink
internal import VbusClient
internal import Virtio

/// The driver's half of a queue, played for a client that is far away: posts the chains that it
/// sends, and sends back what the device did with them.
final class RelayedQueue {
  private let number: UInt32
  private let queue: ClientQueue
  private let arena: RelayArena
  private var chains: [UInt32: Chain] = [:]
  /// What is whole and found no room in the ring yet, in order.
  private var pending: [UInt32] = []
  private var byteCount = 0
  private var hasPosted = false

  private struct Chain {
    let chain: StreamChain
    let readable: RelayBuffer?
    let writable: RelayBuffer?
    /// It lies in memory that stays.
    let isLent: Bool
    var received = 0

    var byteCount: Int { Int(chain.readable) + Int(chain.writable) }
    var isWhole: Bool { received == Int(chain.readable) }
  }

  init(_ queue: ClientQueue, number: UInt32, in arena: RelayArena) {
    self.queue = queue
    self.number = number
    self.arena = arena
  }

  // MARK: From the client

  func begin(_ chain: StreamChain, _ pool: RelayBuffer?) throws(RelayEnd) {
    let count = Int(chain.readable) + Int(chain.writable)
    guard chains[chain.number] == nil else { throw .fault(.unknownMessage) }
    guard chains.count < StreamLimits.chainCountMax, chains.count < queue.capacity,
      chains.isEmpty || byteCount + count <= StreamLimits.chainByteCountMax
    else { throw .tooMuch }
    guard pool == nil || chain.readable == 0 || chain.writable == 0 else {
      throw .fault(.unknownMessage)
    }
    let made: Chain
    do throws(BusError) { made = try lay(chain, pool) } catch {
      guard error == .noRoom else { throw .host(error) }
      throw .noRoom
    }
    if chain.writable > 0 { made.writable?.set([chain.last], at: Int(chain.writable) - 1) }
    chains[chain.number] = made
    byteCount += count
    if made.isWhole { pending.append(chain.number) }
  }

  private func lay(_ chain: StreamChain, _ pool: RelayBuffer?) throws(BusError) -> Chain {
    if let pool {
      return Chain(
        chain: chain, readable: chain.writable == 0 ? pool : nil,
        writable: chain.writable == 0 ? nil : pool, isLent: true)
    }
    // An empty chain has one empty buffer.
    let needsSource = chain.readable > 0 || chain.writable == 0 && queue.shape.flow != .fromDevice
    let needsTarget = chain.writable > 0 || !needsSource
    return Chain(
      chain: chain, readable: needsSource ? try arena.allocate(Int(chain.readable)) : nil,
      writable: needsTarget ? try arena.allocate(Int(chain.writable)) : nil, isLent: false)
  }

  func append(_ bytes: [UInt8], to number: UInt32) throws(RelayEnd) {
    guard var chain = chains[number], let target = chain.readable,
      chain.received + bytes.count <= Int(chain.chain.readable)
    else { throw .fault(.unknownMessage) }
    target.set(bytes, at: chain.received)
    chain.received += bytes.count
    chains[number] = chain
    if chain.isWhole { pending.append(number) }
  }

  // MARK: To the device

  /// Posts what is whole, as far as the ring has room.
  func post() throws(BusError) {
    while let number = pending.first, let chain = chains[number] {
      let most = max(1, queue.capacity / 2)
      let readable = chain.readable?.segments(isWritable: false, most: most) ?? []
      let writable = chain.writable?.segments(isWritable: true, most: most) ?? []
      guard try queue.post(readable + writable, cookie: UInt64(number)) else { break }
      pending.removeFirst()
      hasPosted = true
    }
    guard hasPosted else { return }
    hasPosted = false
    try queue.publish()
  }

  /// Sends back what the device is done with; while the stream has room, or all.
  func reap(to line: StreamLine, all: Bool) throws(BusError) {
    _ = queue.share.clear()
    repeat {
      while all || line.isClear, let completion = try queue.reap() {
        send(completion, to: line)
        // One may have waited for its room.
        try post()
      }
      guard all || line.isClear else { return }
    } while queue.enableNotifications()
  }

  private func send(_ completion: QueueCompletion, to line: StreamLine) {
    let number = UInt32(truncatingIfNeeded: completion.cookie)
    guard let chain = chains.removeValue(forKey: number) else { return }
    byteCount -= chain.byteCount
    var (done, last) = (0, UInt8(0))
    if let source = chain.writable, chain.chain.writable > 0 {
      let written = Int(completion.written)
      while done < written {
        let count = min(StreamLimits.pieceByteCount, written - done)
        line.send(.data(share: self.number, chain: number, source.bytes(at: done, count)))
        done += count
      }
      last = source.bytes(at: Int(chain.chain.writable) - 1, 1)[0]
    }
    line.send(.done(share: self.number, chain: number, written: UInt32(done), last: last))
    free(chain)
  }

  private func free(_ chain: Chain) {
    guard !chain.isLent else { return }
    chain.readable?.free()
    chain.writable?.free()
  }

  // MARK: Beginnings and ends

  /// The device was reset: nothing is under way.
  func restart() throws(BusError) {
    forgetAll()
    try queue.restart()
  }

  /// Other features are negotiated: the ring is made anew unless it is in use, which no driver that
  /// keeps the rules brings about.
  func adopt(_ features: FeatureBits) throws(BusError) {
    guard chains.isEmpty else { return }
    try queue.restart(features: features)
  }

  /// The device is closed.
  func release() {
    forgetAll()
    queue.release()
  }

  private func forgetAll() {
    for chain in chains.values { free(chain) }
    (chains, pending, byteCount, hasPosted) = ([:], [], 0, false)
  }
}
