internal import CLinux
internal import Glibc

/// One message of a `Channel`: its bytes and the descriptors that travelled with it.
package struct Packet: Sendable {
  package var bytes: [UInt8]
  package var descriptors: [Descriptor]

  package init(_ bytes: [UInt8], _ descriptors: [Descriptor] = []) {
    self.bytes = bytes
    self.descriptors = descriptors
  }

  /// What one message may hold at most. A UNIX socket takes it whole or not at all.
  package static let byteCountMax = 64 * 1024
  /// Limits what a message can make its receiver hold.
  package static let descriptorCountMax = 64
}

/// One end of a SOCK_SEQPACKET pair: messages with descriptors, each delivered whole.
package struct Channel: Sendable {
  package let descriptor: Descriptor

  package init(_ descriptor: Descriptor) { self.descriptor = descriptor }

  /// Two connected ends, both non-blocking.
  package static func pair() throws(Errno) -> (Channel, Channel) {
    var ends: [Int32] = [-1, -1]
    // SAFETY: the array holds the two numbers the call writes.
    _ = try checked(unsafe linux_socket_pair(&ends))
    return (Channel(Descriptor(owning: ends[0])), Channel(Descriptor(owning: ends[1])))
  }

  /// Sends one message. Throws `.again` when the other end has not read for long, `.brokenPipe`
  /// when it is gone.
  package func send(_ packet: Packet) throws(Errno) {
    guard packet.bytes.count <= Packet.byteCountMax else { throw .messageTooLong }
    guard packet.descriptors.count <= Packet.descriptorCountMax else { throw .messageTooLong }
    try sendBytes(packet.bytes, packet.descriptors, through: descriptor)
  }

  /// The next message; `nil` at the end of the connection. Throws `.again` when none waits.
  ///
  /// The other end is one of our own processes: only sockets are foreign.
  package func receive() throws(Errno) -> Packet? {
    var numbers = [Int32](repeating: -1, count: Packet.descriptorCountMax)
    let (bytes, answer) = LinuxSystem.receive(
      upTo: Packet.byteCountMax, &numbers, from: descriptor, Int32(MSG_DONTWAIT))
    let descriptors = numbers.map { Descriptor(received: $0) }
    _ = try checked(answer)
    return bytes.isEmpty ? nil : Packet(bytes, descriptors)
  }
}

/// Sends bytes with descriptors over a UNIX socket. On a stream the kernel may take a part:
/// then `.again` is thrown, for no protocol here sends more than a socket buffer unanswered.
package func sendBytes(
  _ bytes: [UInt8], _ descriptors: [Descriptor] = [], through socket: Descriptor
) throws(Errno) {
  let numbers = descriptors.map(\.number)
  // SAFETY: both arrays live for the call, and their own counts are passed.
  let answer = unsafe bytes.withUnsafeBytes { buffer in
    unsafe numbers.withUnsafeBufferPointer { fds in
      unsafe linux_send(
        socket.number, buffer.baseAddress, buffer.count, fds.baseAddress, Int32(fds.count),
        Int32(MSG_DONTWAIT))
    }
  }
  guard try checked(answer) == bytes.count else { throw .again }
}

/// Receives up to `capacity` bytes and their descriptors, without waiting, unless `waiting` and the
/// socket itself may wait. With `peeking` they stay in the socket; the descriptors are then
/// duplicates. Empty bytes are the stream's end.
///
/// Descriptors are a stranger's, see `Quarantine`: those over `descriptorsMax` are closed. Throws
/// `.tooManyOpenFiles` where some come and none is wanted, or none can be taken.
package func receiveBytes(
  upTo capacity: Int, descriptorsMax: Int, from socket: Descriptor, peeking: Bool = false,
  waiting: Bool = false
) throws(Errno) -> Packet {
  var numbers = [Int32](
    repeating: -1, count: try Quarantine.room(for: descriptorsMax, from: socket))
  let flags = (waiting ? 0 : Int32(MSG_DONTWAIT)) | (peeking ? Int32(MSG_PEEK) : 0)
  let (bytes, answer) = receive(upTo: capacity, &numbers, from: socket, flags)
  // Those of a message that was cut, too.
  let descriptors = numbers.map { Descriptor(foreign: $0) }
  _ = try checked(answer)
  return Packet(bytes, Array(descriptors.prefix(descriptorsMax)))
}

/// Of `numbers` those are left that came.
private func receive(
  upTo capacity: Int, _ numbers: inout [Int32], from socket: Descriptor, _ flags: Int32
) -> (bytes: [UInt8], answer: Int) {
  let numbersMax = Int32(numbers.count)
  var count: Int32 = 0
  var answer = 0
  let bytes = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, byteCount in
    // SAFETY: the buffer has `capacity` bytes, the array room for `numbersMax` numbers.
    answer = unsafe linux_receive(
      socket.number, buffer.baseAddress, capacity, &numbers, numbersMax, &count, flags)
    byteCount = max(0, answer)
  }
  numbers.removeLast(numbers.count - Int(count))
  return (bytes, answer)
}

/// Lets receiving with `waiting` wait for so long, and then throw `.again`; at least a millisecond.
package func setReceiveTimeout(
  of socket: Descriptor, milliseconds: UInt32
) throws(Errno) {
  try socket.setNonblocking(false)
  _ = try checked(linux_set_receive_timeout(socket.number, max(1, milliseconds)))
}

/// How many bytes wait to be read from a stream socket, SIOCINQ.
package func unreadByteCount(of socket: Descriptor) throws(Errno) -> Int {
  Int(try checked(linux_unread_bytes(socket.number)))
}
