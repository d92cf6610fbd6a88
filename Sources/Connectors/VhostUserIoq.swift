internal import Rings
internal import SharedMemory
internal import Vbus
internal import VbusClient
internal import VbusLink
internal import Virtio

/// An ioq of the client's before a device that knows virtqueues alone: the device's half of the one
/// and the driver's half of the other. Each entry becomes a chain of one buffer, which lies where the
/// client has it.
final class VhostUserIoq {
  /// Where the virtqueue lies.
  let memory: BusMemory
  let size: QueueSize
  private let window: SharedWindow
  private let flow: Flow
  private var ioq: IoqDevice<SharedWindow>?
  private var virtqueue: SplitDriverRing?
  /// The entry of each chain that the device has, by head.
  private var slots: [UInt16]

  /// The virtqueue for an ioq: the smallest that holds as many entries. Nil for an ioq that breaks
  /// a rule.
  static func size(for window: SharedWindow) -> QueueSize? {
    guard let count = try? IoqLayout.check(window).count else { return nil }
    return QueueSize(count == 1 ? 1 : 1 << (Int.bitWidth - (count - 1).leadingZeroBitCount))
  }

  /// `memory` holds a virtqueue block of `size`.
  init(_ window: SharedWindow, _ flow: Flow, _ size: QueueSize, in memory: BusMemory) {
    (self.window, self.flow, self.size, self.memory) = (window, flow, size, memory)
    slots = Array(repeating: 0, count: size.count)
  }

  /// Both rings begin: the client's where it has formatted it, the device's empty.
  func begin(_ features: FeatureBits) throws(RingFault) {
    end()
    let block = memory.bytes.window(at: 0, byteCount: VirtqueueLayout.byteCount(size))
    VirtqueueLayout.format(block, size: size)
    ioq = try IoqDevice(window, flow: flow)
    virtqueue = SplitDriverRing(inBlock: block, size: size, features: features)
  }

  /// What was posted is forgotten.
  func end() {
    ioq = nil
    virtqueue = nil
  }

  /// Shows the device what the client has posted.
  func post() throws(RingFault) {
    guard ioq != nil, virtqueue != nil else { return }
    // No entry comes twice before it was given back, so a lap is the most.
    repeat {
      while let offer = try ioq?.take() {
        let buffer = Segment(
          address: GuestAddress(offer.address), count: offer.byteCount,
          isWritable: flow == .fromDevice)
        // There is a descriptor for each entry.
        guard let head = virtqueue?.offer(buffer) else { break }
        slots[Int(head)] = offer.slot
      }
    } while ioq?.enableNotifications() == true
    // Whoever rang is passed on whether the device wants that or not.
    _ = virtqueue?.publish()
  }

  /// Gives the client back what the device is done with; true when it wants to be told.
  func giveBack() throws(DeviceFault) -> Bool {
    guard ioq != nil, virtqueue != nil else { return false }
    // Nothing is posted meanwhile: the device cannot be done with more than it has.
    repeat {
      while let done = try virtqueue?.reap() {
        ioq?.settle(slots[Int(done.head)], written: done.written)
      }
    } while virtqueue?.enableInterrupts() == true
    ioq?.publish()
    return ioq?.shouldNotify() == true
  }
}
