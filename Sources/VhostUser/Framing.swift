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
/// Throws when what waits can never become a message. Costs three system calls; a message that its
/// sender cut into pieces, two more and one for each piece.
package func peekMessage(on socket: Descriptor) throws(SessionFault) -> Arrival {
  // Twelve bytes and no more: a longer look could take up descriptors of the message after this.
  let start = try peek(Limits.headerByteCount, on: socket)
  guard let start else { return .incomplete }
  guard !start.bytes.isEmpty else { return .ended }
  guard start.bytes.count == Limits.headerByteCount else { return try remainder(of: socket, start) }
  let header = try MessageHeader(start.bytes)
  guard header.payloadByteCount > 0 else {
    return .message(Message(code: header.code, flags: header.flags), start.descriptors)
  }
  guard let whole = try peek(header.messageByteCount, on: socket) else { return .incomplete }
  guard whole.bytes.count == header.messageByteCount else {
    return try remainder(of: socket, whole)
  }
  return .message(try Message(parsing: whole.bytes), whole.descriptors)
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

/// A part of a message is all there is: more may come, or the other side has left.
private func remainder(
  of socket: Descriptor, _ packet: Packet
) throws(SessionFault) -> Arrival {
  hasEnded(socket) ? .ended : .incomplete
}

/// Looks at up to `count` bytes; `nil` when none wait, empty at the end of the stream.
///
/// One look stops behind a piece that carries descriptors, so when more bytes wait than it showed,
/// the socket's peek offset (SO_PEEK_OFF) is moved on and the look repeated.
private func peek(_ count: Int, on socket: Descriptor) throws(SessionFault) -> Packet? {
  do {
    try setPeekOffset(of: socket, -1)
    let packet = try look(count, on: socket)
    guard !packet.bytes.isEmpty, packet.bytes.count < count else { return packet }
    let waiting = try unreadByteCount(of: socket)
    guard waiting > packet.bytes.count else { return packet }
    return try lookFurther(packet, until: min(count, waiting), on: socket)
  } catch {
    if error == .again { return nil }
    throw .connection(error)
  }
}

/// Adds piece after piece, each of at least one byte, until `count` bytes are there.
private func lookFurther(
  _ start: Packet, until count: Int, on socket: Descriptor
) throws(Errno) -> Packet {
  var packet = start
  try setPeekOffset(of: socket, packet.bytes.count)
  while packet.bytes.count < count {
    let next = try look(count - packet.bytes.count, on: socket)
    guard !next.bytes.isEmpty else { break }
    packet.bytes += next.bytes
    packet.descriptors += next.descriptors
    guard packet.descriptors.count <= Limits.descriptorCountMax else { throw .messageTooLong }
  }
  try setPeekOffset(of: socket, -1)
  return packet
}

/// One more descriptor than any message may have, so that too many show.
private func look(_ count: Int, on socket: Descriptor) throws(Errno) -> Packet {
  try receiveBytes(
    upTo: count, descriptorsMax: Limits.descriptorCountMax + 1, from: socket, peeking: true)
}
