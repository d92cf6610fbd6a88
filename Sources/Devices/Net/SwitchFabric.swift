internal import LinuxSystem
internal import SharedMemory
internal import Virtio

/// An Ethernet segment inside of one engine: ports with their queues, and who is behind which.
///
/// A value, so that a turn is one access to the object that holds it. Frames are copied twice on
/// their way: into the queue of the receiver's port, and from there into its buffers.
struct SwitchFabric: FrameSink {
  /// One device's place in the segment.
  struct Port {
    var inbox = FrameQueue()
    /// What its guest takes.
    var features: FeatureBits = []
    /// Its guest is there, and its link is up.
    var isOpen = false
    /// Frames that found no room since this was last looked at.
    fileprivate var dropped = 0
    /// In the list of those to be woken.
    fileprivate var isNoted = false
    fileprivate var isTaken = true
  }

  /// By number; a number is used again after its device has left.
  var ports: [Port] = []
  /// Ports whose queues got frames, or lost some, since this was last emptied.
  private(set) var noted: [Int] = []
  /// The port that sends now, and when.
  private var sender = 0
  private var now: UInt64 = 0
  private var stations = StationTable()
  /// Frames that no receiver takes as they are.
  private var scratch: [UInt8] = []
  /// Everything comes back to its sender, and goes nowhere else.
  private let isLoop: Bool

  init(isLoop: Bool = false) { self.isLoop = isLoop }

  // MARK: Ports

  /// Makes a port. `address`: what its device is configured with.
  mutating func join(_ address: UInt64?) -> Int {
    let free = ports.firstIndex { !$0.isTaken } ?? ports.count
    if free == ports.count { ports.append(Port()) } else { ports[free] = Port() }
    // So that noting takes no memory later.
    noted.reserveCapacity(ports.count)
    if let address { stations.fix(address, at: free) }
    return free
  }

  mutating func leave(_ port: Int) {
    stations.forget(port: port)
    ports[port] = Port()
    ports[port].isTaken = false
  }

  /// A guest is at the port and takes frames with these features.
  mutating func open(_ port: Int, _ features: FeatureBits) {
    if scratch.isEmpty { scratch = scratchBytes(NetLimits.frameByteCountMax) }
    ports[port].inbox.open()
    ports[port].features = features
    ports[port].isOpen = true
  }

  /// Nothing more goes to the port, and what waited is forgotten.
  mutating func close(_ port: Int) {
    ports[port].isOpen = false
    ports[port].inbox.close()
  }

  /// Takes the next port off the list of those to be woken.
  mutating func nextNoted() -> Int? {
    guard let port = noted.popLast() else { return nil }
    ports[port].isNoted = false
    return port
  }

  /// How many frames found no room at a port since this was last asked.
  mutating func takeDropped(_ port: Int) -> Int {
    defer { ports[port].dropped = 0 }
    return ports[port].dropped
  }

  @inline(__always)
  private mutating func note(_ port: Int) {
    guard !ports[port].isNoted else { return }
    ports[port].isNoted = true
    noted.append(port)
  }

  // MARK: Frames

  /// All frames until the next call come from this port.
  mutating func begin(from port: Int) {
    sender = port
    now = monotonicNanoseconds()
  }

  mutating func take(
    _ frame: OutgoingFrame, _ segments: borrowing Segments, _ memory: GuestMemory
  ) throws(MemoryFault) -> FrameFate {
    let target = isLoop ? sender : try route(frame, segments, memory)
    if let target {
      guard ports[target].isOpen else { return .sent }
      if frame.header.isTaken(by: ports[target].features) {
        return try put(frame, segments, memory, into: target)
      }
    }
    guard !scratch.isEmpty else { return .sent }
    var bytes = scratch.mutableSpan
    try segments.copyOut(from: frame.offset, frame.byteCount, into: &bytes, of: memory)
    return spread(frame, to: target)
  }

  /// The one port that gets the frame; nil when all others do.
  @inline(__always)
  private mutating func route(
    _ frame: OutgoingFrame, _ segments: borrowing Segments, _ memory: GuestMemory
  ) throws(MemoryFault) -> Int? {
    // Copied once: by what the switch looks at here the frame is judged.
    let ends = try ends(of: frame, segments, memory)
    let destination = ends.low.byteSwapped >> 16
    let source = UInt64(UInt16(truncatingIfNeeded: ends.low >> 48).byteSwapped) << 32
    stations.learn(source | UInt64(ends.high.byteSwapped), at: sender, now: now)
    guard !isGroup(destination) else { return nil }
    guard let port = stations.port(of: destination, now: now) else { return nil }
    // Never back to where it came from: whoever is meant has it already.
    return port
  }

  /// Both addresses of a frame, as twelve bytes.
  @inline(__always)
  private func ends(
    of frame: OutgoingFrame, _ segments: borrowing Segments, _ memory: GuestMemory
  ) throws(MemoryFault) -> (low: UInt64, high: UInt32) {
    if let ends = segments.twelve(from: frame.offset, of: memory) { return ends }
    var bytes = InlineArray<12, UInt8>(repeating: 0)
    var span = bytes.mutableSpan
    try segments.copyOut(from: frame.offset, 12, into: &span, of: memory)
    return NetHeader(bytes.span).words
  }

  /// Copies the frame from the guest to the queue of a port that takes it as it is.
  @inline(__always)
  private mutating func put(
    _ frame: OutgoingFrame, _ segments: borrowing Segments, _ memory: GuestMemory,
    into target: Int
  ) throws(MemoryFault) -> FrameFate {
    guard isLoop || target != sender else { return .sent }
    note(target)
    if try !ports[target].inbox.append(frame, segments, memory) { ports[target].dropped += 1 }
    return .sent
  }

  /// Gives the frame in the scratch memory to one port, or to all but the sender's.
  private mutating func spread(_ frame: OutgoingFrame, to target: Int?) -> FrameFate {
    var fate = FrameFate.sent
    for port in ports.indices where ports[port].isOpen {
      guard target == nil ? port != sender : port == target else { continue }
      guard isLoop || port != sender else { continue }
      note(port)
      let isSound = Self.put(scratch, frame.byteCount, frame.header, into: &ports[port])
      if !isSound { fate = .malformed }
    }
    return fate
  }

  /// Puts a frame into a queue in a form that its guest takes. False for a frame that is not what
  /// its header says.
  private static func put(
    _ bytes: [UInt8], _ byteCount: Int, _ header: NetHeader, into port: inout Port
  ) -> Bool {
    let frame = bytes.span.extracting(0..<byteCount)
    guard !header.isTaken(by: port.features) else {
      if !port.inbox.append(header, frame) { port.dropped += 1 }
      return true
    }
    guard header.isSegmented else {
      if !port.inbox.appendCompleted(header, frame) { port.dropped += 1 }
      return true
    }
    guard let segmentation = NetSegmentation(frame, header) else { return false }
    if !port.inbox.append(segmentation, of: frame) { port.dropped += 1 }
    return true
  }
}
