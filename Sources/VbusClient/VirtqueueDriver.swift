internal import Rings
internal import SharedMemory
internal import Vbus
internal import VbusLink
internal import Virtio

/// A virtqueue block: chains, with a shm-signal beside virtio's own rules. A side is told only when
/// both say so.
final class VirtqueueDriver: QueueDriver {
  private var block: Block
  /// By head, out of the device's reach.
  private var cookies: [UInt64]
  /// How much the device may write, by head.
  private var rooms: [UInt64]

  var capacity: Int { block.ring.size.count }
  var room: Int { block.ring.freeCount }

  /// Both in one: a look at each costs as much as the work on it.
  private struct Block: ~Copyable {
    var ring: SplitDriverRing
    var signal: WindowSignal

    init(
      formatting window: SharedWindow, size: QueueSize, features: FeatureBits
    ) throws(BusError) {
      VirtqueueLayout.format(window, size: size)
      let signal: WindowSignal
      do throws(RingFault) {
        signal = try WindowSignal(window, at: VirtqueueLayout.signal, as: .north)
      } catch { throw .ring(error) }
      ring = SplitDriverRing(inBlock: window, size: size, features: features)
      self.signal = signal
    }

    mutating func publish() -> Bool {
      // Only what virtio's rule lets through marks the memory as changed.
      guard ring.publish() else { return false }
      return signal.inject()
    }

    mutating func disableNotifications() {
      ring.disableInterrupts()
      signal.disable()
    }

    mutating func enableNotifications() -> Bool {
      // First the bell, then the wish for it: who sees the wish can ring.
      signal.listen()
      return ring.enableInterrupts()
    }
  }

  /// Formats all of the window. Precondition: it has exactly the block's size.
  init(
    formatting window: SharedWindow, size: QueueSize, features: FeatureBits
  ) throws(BusError) {
    block = try Block(formatting: window, size: size, features: features)
    cookies = Array(repeating: 0, count: size.count)
    rooms = Array(repeating: 0, count: size.count)
  }

  func restart(_ window: SharedWindow, _ features: FeatureBits) throws(BusError) {
    block = try Block(formatting: window, size: block.ring.size, features: features)
  }

  func post(_ chain: [Segment], cookie: UInt64) throws(BusError) -> Bool {
    // VIRTIO 1.2 section 2.7.4.2: what the device reads comes first.
    let writable = chain.drop { !$0.isWritable }
    guard !chain.isEmpty, chain.count <= capacity, writable.allSatisfy(\.isWritable) else {
      throw .refused(.invalid)
    }
    guard let head = block.ring.offer(chain) else { return false }
    note(head, cookie, writable.reduce(0) { $0 + UInt64($1.count) })
    return true
  }

  func post(_ segment: Segment, cookie: UInt64) throws(BusError) -> Bool {
    guard let head = block.ring.offer(segment) else { return false }
    note(head, cookie, segment.isWritable ? UInt64(segment.count) : 0)
    return true
  }

  private func note(_ head: UInt16, _ cookie: UInt64, _ room: UInt64) {
    cookies[Int(head)] = cookie
    rooms[Int(head)] = room
  }

  func publish() -> Bool { block.publish() }

  func reap() throws(BusError) -> QueueCompletion? {
    let completion: SplitCompletion?
    do throws(DeviceFault) { completion = try block.ring.reap() } catch { throw .chain(error) }
    guard let completion else { return nil }
    let head = Int(completion.head)
    guard UInt64(completion.written) <= rooms[head] else {
      throw .ring(.overfilled(completion.head))
    }
    return QueueCompletion(cookie: cookies[head], written: completion.written)
  }

  func disableNotifications() { block.disableNotifications() }
  func enableNotifications() -> Bool { block.enableNotifications() }
}
