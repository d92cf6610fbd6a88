internal import Engine
internal import LinuxSystem
internal import SharedMemory
internal import Virtio

/// Finds frames in a stream for a guest.
///
/// What comes is looked at in the socket and taken out only once it was delivered, so that a
/// successor of this process finds frames whole.
struct StreamSource {
  /// Why no more frames come.
  enum End {
    case closed
    case broken(Errno)
    case tooLong(Int)

    var sentence: String {
      switch self {
      case .closed: "the stream's other end has closed it"
      case .broken(let errno): "the stream broke: \(errno.text)"
      case .tooLong(let count): "the stream's other end sends a frame of \(count) bytes"
      }
    }
  }

  private let socket: Int32
  /// What was seen in the socket: `seen` bytes, of which `delivered` were delivered, of which
  /// `taken` are no longer in the socket.
  private var scratch: [UInt8] = []
  private var seen = 0
  private var delivered = 0
  private var taken = 0
  private(set) var end: End?

  init(_ socket: Int32) { self.socket = socket }

  /// A guest is there.
  mutating func open() {
    guard scratch.isEmpty else { return }
    scratch = scratchBytes(2 * (StreamSink.leadByteCount + NetLimits.frameByteCountMax))
  }

  mutating func serve<R: Ring & ~Copyable>(
    _ receiver: inout NetReceiver, _ ring: inout R, _ memory: GuestMemory, budget: Int,
    isUp: Bool
  ) throws(RingFault) -> Progress {
    defer {
      receiver.count()
      takeDelivered()
    }
    for _ in 0..<budget {
      guard let range = nextFrame() else { return .idle }
      if !isUp {
        receiver.countDropped(1)
      } else if range.count < NetLimits.ethernetByteCount {
        receiver.countError()
      } else {
        let delivery = try receiver.deliver(
          NetHeader(), scratch.span.extracting(range), &ring, memory)
        if delivery == .starved { return .drained }
      }
      delivered = range.upperBound
    }
    return .more
  }

  /// Where the next whole frame is, in what was seen or else in the socket.
  private mutating func nextFrame() -> Range<Int>? {
    guard end == nil, !scratch.isEmpty else { return nil }
    if let range = frameSeen() { return range }
    guard end == nil, look() else { return nil }
    return frameSeen()
  }

  /// The next whole frame of what was seen.
  private mutating func frameSeen() -> Range<Int>? {
    let left = seen - delivered
    guard left >= StreamSink.leadByteCount else { return nil }
    let count = Int(scratch.span.longWord(at: delivered))
    guard count <= NetLimits.frameByteCountMax else {
      end = .tooLong(count)
      return nil
    }
    let start = delivered + StreamSink.leadByteCount
    return left >= StreamSink.leadByteCount + count ? start..<(start + count) : nil
  }

  /// Sees what is in the socket now; false when nothing is.
  private mutating func look() -> Bool {
    takeDelivered()
    guard end == nil else { return false }
    (seen, delivered, taken) = (0, 0, 0)
    do throws(Errno) {
      seen = try peek(socket, into: &scratch)
      if seen == 0 { end = .closed }
    } catch {
      if error != .again { end = .broken(error) }
    }
    return seen > 0
  }

  /// Takes what was delivered out of the socket. Its bytes go to where they are already.
  private mutating func takeDelivered() {
    while taken < delivered, end == nil {
      do throws(Errno) {
        let count = try readOnce(socket, into: &scratch, taken..<delivered)
        taken += count
        if count == 0 { end = .closed }
      } catch { end = .broken(error) }
    }
  }
}
