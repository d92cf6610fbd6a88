package import LinuxSystem
package import VbusLink

extension SocketConnector {
  /// Sends a request and waits for its reply; answers its number.
  package func ask(
    _ request: Request, _ descriptors: [Descriptor]
  ) throws(BusError) -> UInt64 {
    guard !isEnded else { throw .disconnected }
    let deadline = Deadline(milliseconds: options.patienceMilliseconds)
    var reply: Reply
    do throws(BusError) {
      repeat {
        tag &+= 1
        reply = try answer(to: request, descriptors, deadline)
        guard reply.verb == request.verb.rawValue else { throw .nonsense(.otherVerb(reply.verb)) }
        // An engine died with the descriptors in hand: nothing was done.
      } while reply.errno == .restart && !deadline.hasPassed
    } catch {
      disconnect()
      throw error
    }
    if let errno = reply.errno { throw .refused(errno) }
    return reply.value
  }

  private func answer(
    to request: Request, _ descriptors: [Descriptor], _ deadline: Deadline
  ) throws(BusError) -> Reply {
    if let fastCall, descriptors.isEmpty { return try answer(to: request, by: fastCall, deadline) }
    try send(Packet(request.bytes(tag: tag), descriptors), deadline)
    return try receiveReply(deadline)
  }

  private func answer(
    to request: Request, by call: FastCall, _ deadline: Deadline
  ) throws(BusError) -> Reply {
    call.ask(request, tag: tag)
    while !call.isAnswered {
      switch call.wait(milliseconds: deadline.rest) {
      case .rang: break
      case .timeUp: throw .timedOut
      // Events, or the host's end.
      case .otherwise: try drainSocket()
      }
      guard !deadline.hasPassed || call.isAnswered else { throw .timedOut }
    }
    guard let reply = call.reply, reply.tag == tag else { throw .nonsense(.neitherReplyNorEvent) }
    return reply
  }

  private func send(_ packet: Packet, _ deadline: Deadline) throws(BusError) {
    while true {
      do throws(Errno) { return try channel.send(packet) } catch {
        guard error == .again else { throw .disconnected }
        // The host may be waiting for us to read.
        try drainSocket()
        guard !deadline.hasPassed else { throw .timedOut }
        _ = wait(
          for: [.readable, .writable], on: channel.descriptor, milliseconds: deadline.rest)
      }
    }
  }

  /// Replies to other tags are passed over: after an engine was replaced one may come twice.
  private func receiveReply(_ deadline: Deadline) throws(BusError) -> Reply {
    repeat {
      guard let packet = try receive(waiting: true) else { continue }
      guard let reply = Reply(packet) else {
        try take(packet)
        continue
      }
      if reply.tag == tag { return reply }
    } while !deadline.hasPassed
    throw .timedOut
  }

  /// The longest message of a host.
  private static let messageByteCountMax = 8 + Event.recordByteCount

  /// The next message; nil when none waits, or with `waiting` when none came in time.
  func receive(waiting: Bool = false) throws(BusError) -> [UInt8]? {
    do throws(Errno) {
      let packet = try receiveBytes(
        upTo: Self.messageByteCountMax, descriptorsMax: 0, from: channel.descriptor,
        waiting: waiting)
      guard !packet.bytes.isEmpty else { throw .connectionReset }
      return packet.bytes
    } catch {
      switch error {
      case .again: return nil
      case .messageTooLong: throw .nonsense(.neitherReplyNorEvent)
      default: throw .disconnected
      }
    }
  }

  /// Keeps a message that is no reply.
  func take(_ packet: [UInt8]) throws(BusError) {
    guard let event = Event(packet) else { throw .nonsense(.neitherReplyNorEvent) }
    try keep(event)
  }

  func keep(_ event: Event) throws(BusError) {
    let wasEmpty = inbox.isEmpty
    try inbox.append(event)
    if wasEmpty, !inbox.isEmpty { waiting.ring() }
  }
}
