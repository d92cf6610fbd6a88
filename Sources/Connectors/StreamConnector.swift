package import LinuxSystem
internal import SharedMemory
internal import StreamLink
internal import Vbus
package import VbusClient
internal import VbusLink

/// A connector over any stream of bytes: a pipe, a serial line, a connection of TCP. At the other
/// end is a `StreamRelay`.
///
/// Memory is the client's own. The device's half of each ring is played here (`StreamRing`): what a
/// driver posts is copied to the other end when it rings, and what comes back is written to its
/// buffers before its signal is raised. When the stream is cut, `connect` is asked for another one,
/// and the session goes on where it was.
///
/// It has no thread: bytes move while one of its methods runs. SIGPIPE is ignored from here on,
/// for a pipe can be cut, too.
///
/// - `StreamConnector+Requests` asks, and takes what comes;
/// - `StreamConnector+Devices` is what is asked for;
/// - `StreamConnector+Rings` carries chains.
package final class StreamConnector: Connector {
  package struct Options: Sendable {
    /// How long a reply is waited for, and another stream after a cut.
    package var patienceMilliseconds: UInt32 = 10_000

    package init() {}
  }

  let options: Options
  let connect: () throws(Errno) -> StreamEnds
  let line: StreamLine
  let watched: DescriptorSet
  /// Rung while the inbox has something, for the sake of who waits for `descriptor`.
  let waiting: EventDescriptor
  var space = ClientSpace()
  var inbox = Inbox()
  /// The client's memory, as the devices' halves of its rings see it.
  let memory = GuestMemory()
  var memories: [UInt64: BusMemory] = [:]
  /// Open devices, and what they share, by the other end's numbers.
  var devices: [DeviceHandle: StreamDevice] = [:]
  var shares: [UInt32: StreamMemory] = [:]
  /// Nil before the other end has said what it can.
  var formats: RingFormats?
  /// Of the newest request.
  var tag: UInt32 = 0
  var answer: StreamAnswer?
  var onDone: ((StreamAnswer) -> Void)?
  /// Until when there has to be a stream again.
  var patience: Deadline?
  var lastAttempt: UInt64 = 0
  var isEnded = false
  /// What the other end said when it ended the session, or broke.
  package internal(set) var lastWords: String?

  package var capabilities: ConnectorCapabilities {
    ConnectorCapabilities(
      ringFormats: formats ?? [], sharesMemory: false, hasOwnBells: false)
  }

  package var descriptor: Descriptor { watched.descriptor }

  /// Begins a session on a stream that `connect` makes. It may make the first one only: then a cut
  /// ends the session.
  package init(
    options: Options = Options(), connect: @escaping () throws(Errno) -> StreamEnds
  ) throws(BusError) {
    ignoreLostReaders()
    self.options = options
    self.connect = connect
    do throws(Errno) {
      line = try StreamLine(ResumableStream(.opener, session: Self.newSession()))
      watched = try DescriptorSet()
      waiting = try EventDescriptor()
      try watched.add(line.watched.descriptor)
      try watched.add(waiting.descriptor)
    } catch { throw .exhausted(error) }
    do throws(Errno) { try line.attach(connect()) } catch { throw .unreachable(error) }
    patience = Deadline(milliseconds: options.patienceMilliseconds)
    _ = try awaited { formats }
  }

  /// A number that nobody guesses.
  private static func newSession() throws(Errno) -> UInt64 {
    var bytes = [UInt8](repeating: 0, count: 8)
    var span = bytes.mutableSpan
    try fillRandom(&span, 8)
    return bytes.reduce(0) { $0 << 8 | UInt64($1) } | 1
  }

  package func disconnect() {
    guard !isEnded else { return }
    isEnded = true
    line.sayBye("")
    line.detach()
    // Whoever waits looks, and hears that it is over.
    waiting.ring()
  }
}

/// A device that is open at the other end.
struct StreamDevice {
  /// The features that its driver took.
  var features: UInt64 = 0
  /// The device looks at its rings.
  var isStarted = false
  var shares: [UInt32] = []
}

/// Memory of the client's that is shared with a device at the other end.
struct StreamMemory {
  let handle: DeviceHandle
  let wish: ShareWish
  let ring: StreamRing?
  /// Of memory that is no ring.
  let signal: WindowSignal?

  var address: UInt64 { wish.memory.address(of: wish.offset) }

  /// Whether bytes lie in it; where.
  func offset(of address: UInt64, _ byteCount: UInt32) -> UInt32? {
    guard ring == nil, address >= self.address else { return nil }
    let offset = address - self.address
    guard offset <= wish.byteCount, UInt64(wish.byteCount) - offset >= byteCount else { return nil }
    return UInt32(truncatingIfNeeded: offset)
  }
}

/// What the other end answered.
struct StreamAnswer {
  let errno: Errno?
  let value: UInt64
  let data: [UInt8]
}
