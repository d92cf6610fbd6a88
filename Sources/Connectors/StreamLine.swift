internal import LinuxSystem
internal import StreamLink

/// One end of a resumable stream with the descriptors that it is on now: moves bytes whenever asked,
/// and waits for nothing.
final class StreamLine {
  var stream: ResumableStream
  /// What to wait for: the stream, for whatever there is to be done with it.
  let watched: DescriptorSet
  private(set) var ends: StreamEnds?
  /// Messages that the window has no room for, from `outboxStart` on.
  private var outbox: [[UInt8]] = []
  private var outboxStart = 0
  private var wantsRoom = false
  private var scratch = [UInt8](repeating: 0, count: 1 << 16)
  /// When it said hello last.
  private var greeted: UInt64 = 0

  /// Reads in one turn, so that writing gets its share.
  private static let readsPerTurn = 8
  /// How long an answer to a greeting is waited for before it is said again.
  static let greetingNanoseconds: UInt64 = 500_000_000

  init(_ stream: ResumableStream) throws(Errno) {
    self.stream = stream
    watched = try DescriptorSet()
  }

  /// Goes on with these ends.
  func attach(_ ends: StreamEnds) throws(Errno) {
    detach()
    try ends.input.setNonblocking(true)
    try ends.output.setNonblocking(true)
    try watched.add(ends.input, for: .readable)
    if ends.output !== ends.input { try watched.add(ends.output, for: []) }
    self.ends = ends
    wantsRoom = false
    greeted = monotonicNanoseconds()
    stream.begin()
  }

  /// The stream is cut, or shall be.
  func detach() {
    guard let ends else { return }
    watched.remove(ends.input)
    if ends.output !== ends.input { watched.remove(ends.output) }
    // Or whoever else holds them would keep the peer waiting. Nothing for what is no socket.
    disconnect(ends.input)
    self.ends = nil
    stream.end()
  }

  /// Another session begins: nothing of the last one is left to send.
  func forget() { (outbox, outboxStart, waitingByteCount) = ([], 0, 0) }

  // MARK: Sending

  /// Nothing waits: one more message can be sent without keeping it here.
  var isClear: Bool {
    outboxStart == outbox.count
      && stream.hasRoom(for: StreamLimits.messageByteCountMax)
  }

  /// What is kept here.
  private(set) var waitingByteCount = 0

  func send(_ message: StreamMessage) {
    let bytes = message.bytes
    outbox.append(bytes)
    waitingByteCount += bytes.count
    fillWindow()
  }

  private func fillWindow() {
    while outboxStart < outbox.count, stream.hasRoom(for: outbox[outboxStart].count) {
      stream.send(outbox[outboxStart])
      waitingByteCount -= outbox[outboxStart].count
      outboxStart += 1
    }
    if outboxStart == outbox.count { forget() }
  }

  // MARK: Moving

  /// Reads and writes what can be without waiting. False when the stream is cut.
  func move(_ events: inout [ResumableStream.Event]) throws(StreamFault) -> Bool {
    guard let ends else { return false }
    guard try read(from: ends.input, &events) else { return false }
    if !stream.isEstablished { greetAgain() }
    return write(to: ends)
  }

  private func read(
    from input: Descriptor, _ events: inout [ResumableStream.Event]
  ) throws(StreamFault) -> Bool {
    for _ in 0..<Self.readsPerTurn {
      let count: Int
      do throws(Errno) { count = try readOnce(input.number, into: &scratch) } catch {
        guard error != .again, error != .interrupted else { break }
        return false
      }
      guard count > 0 else { return false }
      events += try stream.receive(scratch[..<count])
    }
    return true
  }

  private func write(to ends: StreamEnds) -> Bool {
    fillWindow()
    var isFull = false
    while !isFull, let part = stream.output {
      do throws(Errno) {
        stream.wrote(try writePart(of: Array(part).span, to: ends.output.number))
      } catch {
        guard error == .again || error == .interrupted else { return false }
        isFull = error == .again
      }
    }
    watchRoom(isFull, ends)
    return true
  }

  private func watchRoom(_ isWanted: Bool, _ ends: StreamEnds) {
    guard isWanted != wantsRoom else { return }
    wantsRoom = isWanted
    let room: Readiness = isWanted ? .writable : []
    // A set that is full cannot be: these are members.
    if ends.output === ends.input {
      try? watched.change(ends.input, to: room.union(.readable))
    } else {
      try? watched.change(ends.output, to: room)
    }
  }

  private func greetAgain() {
    let now = monotonicNanoseconds()
    guard now >= greeted + Self.greetingNanoseconds else { return }
    greeted = now
    stream.greetAgain()
  }
}
