package import LinuxSystem

/// What waits on a connection.
package enum Arrival: Sendable {
  /// A whole message with its descriptors. It is still in the socket.
  case message(Message, [Descriptor])
  /// Nothing, or the beginning of a message.
  case incomplete
  /// The other side has closed, between two messages or within one.
  case ended
}

/// Looks at the next message of a stream socket without taking it, so that a process which dies
/// before `consume` leaves it to its successor. Descriptors are duplicates of those in the socket.
///
/// Throws when what waits can never become a message. Costs two system calls; a message that its
/// sender cut into pieces, two more and one for each piece. While it answers `incomplete` the
/// socket stays readable: wait for it edge-triggered.
package func peekMessage(on socket: Descriptor) throws(SessionFault) -> Arrival {
  guard var view = try firstLook(at: socket) else { return .incomplete }
  guard !view.bytes.isEmpty else { return .ended }
  var header: MessageHeader?
  for _ in 0..<view.byteCountMax {
    if view.bytes.count >= Limits.headerByteCount {
      header = try MessageHeader(Array(view.bytes.prefix(Limits.headerByteCount)))
    }
    let due = header?.messageByteCount ?? Limits.headerByteCount
    view.dropDescriptors(behind: due)
    if let header, view.bytes.count >= due {
      return .message(view.message(header), view.descriptors)
    }
    guard try lookFurther(&view, at: socket) else { break }
  }
  return hasEnded(socket) ? .ended : .incomplete
}

/// Takes a message that `peekMessage` has shown out of the socket, and closes what came with it.
package func consume(_ message: Message, from socket: Descriptor) throws(SessionFault) {
  var rest = message.byteCount
  while rest > 0 {
    let taken: Packet
    do {
      taken = try receiveBytes(
        upTo: rest, descriptorsMax: Limits.descriptorCountMax, from: socket)
    } catch { throw .connection(error) }
    guard !taken.bytes.isEmpty else { throw .ended }
    rest -= taken.bytes.count
  }
}

/// Sends a message; throws when the other side is gone or has not read for long.
package func send(
  _ message: Message, _ descriptors: [Descriptor] = [], on socket: Descriptor
) throws(SessionFault) {
  do { try sendBytes(message.bytes, descriptors, through: socket) } catch {
    throw .connection(error)
  }
}

/// What has been seen of a socket's waiting bytes, from the first one on.
private struct View {
  var bytes: [UInt8]
  /// Those that belong to the message at the beginning.
  var descriptors: [Descriptor] = []
  /// Those of the latest look. Their piece of the stream is the last that look showed.
  var latest: [Descriptor]

  /// One byte more than the longest message, so that what lies behind a message always shows.
  let byteCountMax = Limits.headerByteCount + Limits.payloadByteCountMax + 1

  /// A look that shows no descriptors of this message goes on to a later one's (unix(7): only a
  /// piece that carries some ends it). So those of a look that reached behind the message are of
  /// a later one: a front end sends each message by itself.
  mutating func dropDescriptors(behind end: Int) {
    if bytes.count <= end { descriptors += latest }
    latest = []
  }

  func message(_ header: MessageHeader) -> Message {
    Message(
      code: header.code, flags: header.flags,
      payload: Array(bytes[Limits.headerByteCount..<header.messageByteCount]))
  }
}

/// `nil` when nothing waits, no bytes at the end of the stream.
private func firstLook(at socket: Descriptor) throws(SessionFault) -> View? {
  var view = View(bytes: [], latest: [])
  do {
    // A predecessor may have died within `lookFurther`.
    try setPeekOffset(of: socket, -1)
    let packet = try look(view.byteCountMax, on: socket)
    view.bytes = packet.bytes
    view.latest = packet.descriptors
    return view
  } catch {
    if error == .again { return nil }
    throw .connection(error)
  }
}

/// Looks behind what has been seen, by way of the socket's peek offset; `false` when nothing is
/// there.
private func lookFurther(
  _ view: inout View, at socket: Descriptor
) throws(SessionFault) -> Bool {
  guard view.descriptors.count <= Limits.descriptorCountMax else {
    throw .connection(.messageTooLong)
  }
  do {
    let waiting = try unreadByteCount(of: socket)
    guard waiting > view.bytes.count, view.bytes.count < view.byteCountMax else { return false }
    try setPeekOffset(of: socket, view.bytes.count)
    let packet = try look(view.byteCountMax - view.bytes.count, on: socket)
    try setPeekOffset(of: socket, -1)
    view.bytes += packet.bytes
    view.latest = packet.descriptors
    return !packet.bytes.isEmpty
  } catch {
    throw .connection(error)
  }
}

/// One more descriptor than any message may have, so that too many show.
private func look(_ count: Int, on socket: Descriptor) throws(Errno) -> Packet {
  try receiveBytes(
    upTo: count, descriptorsMax: Limits.descriptorCountMax + 1, from: socket, peeking: true)
}
