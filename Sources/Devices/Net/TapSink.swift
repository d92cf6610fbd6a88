internal import LinuxSystem
internal import SharedMemory
internal import Virtio

/// Writes frames to a tap.
struct TapSink: FrameSink, ~Copyable {
  private let tap: Int32
  private var transfer = Transfer(capacity: Transfer.partsMax)

  init(_ tap: Int32) { self.tap = tap }

  mutating func take(
    _ frame: OutgoingFrame, _ segments: borrowing Segments, _ memory: GuestMemory
  ) throws(MemoryFault) -> FrameFate {
    // The checked header, not the one in the guest's memory, which may have changed.
    let header = frame.header.bytes
    transfer.begin(with: header.span)
    var place = segments.readable(from: frame.offset)
    let byteCount = UInt64(frame.byteCount)
    guard try segments.add(&place, to: &transfer, limit: byteCount, of: memory) == byteCount
    else { return .malformed }
    do throws(Errno) {
      _ = try transfer.send(to: tap)
      return .sent
    } catch {
      // EINVAL: the frame is not what its header says. All else is the host's doing: the
      // interface is down or gone, or no memory was left.
      return error == .invalid ? .malformed : .dropped
    }
  }
}
