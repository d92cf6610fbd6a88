internal import LinuxSystem
internal import SharedMemory
internal import Virtio

/// Writes frames to a stream. What it does not take of a frame that it has begun is kept here;
/// frames that find it full stay with the guest.
struct StreamSink: FrameSink, ~Copyable {
  /// The length before a frame, in network order.
  static let leadByteCount = 4

  private let socket: Int32
  private var transfer = Transfer(capacity: Transfer.partsMax)
  /// The rest of a frame; of its `kept` bytes `sent` are gone.
  private var rest: [UInt8] = []
  private var kept = 0
  private var sent = 0
  /// A frame was held back since the stream last took one.
  private(set) var isHolding = false

  init(_ socket: Int32) { self.socket = socket }

  mutating func take(
    _ frame: OutgoingFrame, _ segments: borrowing Segments, _ memory: GuestMemory
  ) throws(MemoryFault) -> FrameFate {
    isHolding = false
    guard isClear() else { return isHolding ? .held : .dropped }
    let count = UInt32(frame.byteCount)
    let lead: InlineArray<4, UInt8> = [
      UInt8(count >> 24), UInt8(truncatingIfNeeded: count >> 16),
      UInt8(truncatingIfNeeded: count >> 8), UInt8(truncatingIfNeeded: count),
    ]
    transfer.begin(with: lead.span)
    var place = segments.readable(from: frame.offset)
    let byteCount = UInt64(frame.byteCount)
    guard try segments.add(&place, to: &transfer, limit: byteCount, of: memory) == byteCount
    else { return .malformed }
    let answer: Int
    do throws(Errno) { answer = try transfer.send(to: socket) } catch {
      isHolding = error == .again
      return isHolding ? .held : .dropped
    }
    try keep(frame, lead.span, from: answer, segments, memory)
    return .sent
  }

  /// Keeps what the stream did not take of a frame.
  private mutating func keep(
    _ frame: OutgoingFrame, _ lead: borrowing Span<UInt8>, from start: Int,
    _ segments: borrowing Segments, _ memory: GuestMemory
  ) throws(MemoryFault) {
    guard start < Self.leadByteCount + frame.byteCount else { return }
    if rest.isEmpty { rest = scratchBytes(Self.leadByteCount + NetLimits.frameByteCountMax) }
    var bytes = rest.mutableSpan
    copyBytes(lead, to: &bytes)
    var place = segments.readable(from: frame.offset)
    _ = try segments.copyOut(
      &place, frame.byteCount, into: &bytes, at: Self.leadByteCount, of: memory)
    (kept, sent) = (Self.leadByteCount + frame.byteCount, start)
  }

  /// Sends what was kept; false while the stream does not take it.
  private mutating func isClear() -> Bool {
    while sent < kept {
      do throws(Errno) {
        sent += try writePart(of: rest.span.extracting(sent..<kept), to: socket)
      } catch {
        isHolding = error == .again
        return false
      }
    }
    return true
  }
}
