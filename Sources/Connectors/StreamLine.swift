internal import LinuxSystem
internal import StreamLink
internal import VbusClient

/// One end of a resumable stream with the descriptors that it is on now: moves bytes whenever
/// asked, and waits for nothing.
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
  /// When the peer last showed that it is there, or hello was said, and how often since it did.
  private var lastSign: UInt64 = 0
  private var lastConfirmed: UInt64 = 0
  private var greetings: UInt64 = 0

  /// Reads in one turn, so that writing gets its share.
  private static let readsPerTurn = 8
  /// How long the peer is waited for before hello is said again; twice as long each time, for slow
  /// lines take long.
  private static let greetingMilliseconds: UInt64 = 1000
  private static let doublingsMax: UInt64 = 6
  /// How long the last words may take.
  private static let byeMilliseconds: UInt32 = 200

  /// How long to wait at most before `move` has something to do by itself; less than 0 for ever.
  var patienceMilliseconds: Int32 {
    stream.isWaiting && ends != nil
      ? Int32(clamping: Self.greetingMilliseconds << min(greetings, Self.doublingsMax)) : -1
  }

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
    (lastSign, greetings) = (monotonicNanoseconds(), 0)
    stream.begin()
  }

  /// The stream is cut, or shall be.
  func detach() {
    // A command ends when its input does: that is closed before the command is let go.
    let command = release()
    withExtendedLifetime(command) {}
  }

  private func release() -> StreamCommand? {
    guard let ends else { return nil }
    watched.remove(ends.input)
    if ends.output !== ends.input { watched.remove(ends.output) }
    // Or whoever else holds them would keep the peer waiting. Nothing for what is no socket.
    disconnect(ends.input)
    self.ends = nil
    stream.end()
    return ends.command
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

  /// Says that the session is over, and why. What the peer does not take at once is not waited for:
  /// it finds out later.
  func sayBye(_ sentence: String) {
    send(.bye(sentence))
    let deadline = Deadline(milliseconds: Self.byeMilliseconds)
    var events: [ResumableStream.Event] = []
    while (try? move(&events)) == true, stream.isEstablished, stream.output != nil, let ends,
      !deadline.hasPassed
    {
      _ = wait(for: .writable, on: ends.output, milliseconds: deadline.rest)
    }
  }

  /// Something can be written that `move` has not written yet.
  var hasToWrite: Bool {
    fillWindow()
    return !wantsRoom && stream.output != nil
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
    greetAgain()
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
    guard stream.isWaiting else {
      (lastSign, greetings) = (now, 0)
      return
    }
    if stream.confirmed != lastConfirmed {
      (lastConfirmed, lastSign, greetings) = (stream.confirmed, now, 0)
    }
    let patience = Self.greetingMilliseconds << min(greetings, Self.doublingsMax)
    guard now >= lastSign + patience * 1_000_000 else { return }
    lastSign = now
    greetings += 1
    stream.greetAgain()
  }
}
