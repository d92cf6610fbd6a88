internal import Engine
internal import LinuxSystem
internal import SharedMemory
internal import Virtio

/// Reads frames from a tap for a guest, one at a time.
struct TapSource {
  private let tap: Int32
  /// The frame that was read last, with its header; `waiting` bytes of it wait for buffers.
  private var scratch: [UInt8] = []
  private var waiting = 0
  /// The interface was deleted.
  private(set) var isGone = false

  init(_ tap: Int32) { self.tap = tap }

  /// A guest is there.
  mutating func open() {
    guard scratch.isEmpty else { return }
    scratch = scratchBytes(NetHeader.byteCount + NetLimits.frameByteCountMax)
  }

  /// Drops what the tap held before its guest came: it is old, and in a form that another wanted.
  mutating func dropStale() {
    for _ in 0..<NetLimits.staleFramesMax { guard readFrame() else { break } }
    waiting = 0
  }

  mutating func close() {
    scratch = []
    waiting = 0
  }

  mutating func serve<R: Ring & ~Copyable>(
    _ receiver: inout NetReceiver, _ ring: inout R, _ memory: GuestMemory, budget: Int,
    isUp: Bool
  ) throws(RingFault) -> Progress {
    defer { receiver.count() }
    for _ in 0..<budget {
      guard waiting > 0 || readFrame() else { return .idle }
      if !isUp {
        receiver.countDropped(1)
      } else if waiting < NetHeader.byteCount + NetLimits.ethernetByteCount {
        receiver.countError()
      } else {
        let header = NetHeader(scratch.span.extracting(0..<NetHeader.byteCount))
        let delivery = try receiver.deliver(
          header, scratch.span.extracting(NetHeader.byteCount..<waiting), &ring, memory)
        if delivery == .starved { return .drained }
      }
      waiting = 0
    }
    return .more
  }

  /// Reads one frame; false when there is none.
  private mutating func readFrame() -> Bool {
    guard !isGone, !scratch.isEmpty else { return false }
    waiting = 0
    do throws(Errno) { waiting = try readOnce(tap, into: &scratch) } catch {
      // EBADFD: the interface was deleted.
      isGone = error == .badState
    }
    return waiting > 0
  }
}
