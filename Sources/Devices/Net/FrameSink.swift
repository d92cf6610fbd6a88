internal import SharedMemory
internal import Virtio

/// A frame that a guest sends, in a chain of its transmit queue: its checked header, and where in
/// the chain's readable bytes it begins.
struct OutgoingFrame: BitwiseCopyable {
  let header: NetHeader
  let offset: UInt64
  let byteCount: Int
}

/// What became of a frame that a guest sent.
enum FrameFate {
  case sent
  case dropped
  case malformed
  /// There is no room for it now. It stays in the queue, which the sink wakes when there is.
  case held
}

/// Where the frames of a guest go.
protocol FrameSink: ~Copyable {
  mutating func take(
    _ frame: OutgoingFrame, _ segments: borrowing Segments, _ memory: GuestMemory
  ) throws(MemoryFault) -> FrameFate
}

/// Takes all frames and keeps none: the backend `null`.
struct EmptySink: FrameSink {
  mutating func take(
    _ frame: OutgoingFrame, _ segments: borrowing Segments, _ memory: GuestMemory
  ) -> FrameFate { .sent }
}

/// Takes no frame: a link that is down.
struct ClosedSink: FrameSink {
  mutating func take(
    _ frame: OutgoingFrame, _ segments: borrowing Segments, _ memory: GuestMemory
  ) -> FrameFate { .dropped }
}
