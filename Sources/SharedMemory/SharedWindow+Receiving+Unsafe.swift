internal import CLinux
internal import Glibc
package import LinuxSystem

extension SharedWindow {
  /// Receives one message of a socket straight into the window, without waiting: a process that dies
  /// at any moment has either left it in the socket or finds it here. Answers the message's length,
  /// one more than the window's for a message that was cut, and 0 at the end of the connection.
  /// As `receiveBytes` with descriptors.
  package func receive(
    from socket: Descriptor, descriptorsMax: Int
  ) throws(Errno) -> (byteCount: Int, descriptors: [Descriptor]) {
    let capacity = try Quarantine.room(for: descriptorsMax, from: socket)
    var numbers = InlineArray<253, Int32>(repeating: -1)
    precondition(capacity <= numbers.count)
    var count: Int32 = 0
    var room = numbers.mutableSpan
    // SAFETY: the window's bytes are mapped, and there is room for `capacity` numbers.
    let answer = unsafe room.withUnsafeMutableBufferPointer { fds in
      unsafe linux_receive(
        socket.number, base, byteCount, fds.baseAddress, Int32(capacity), &count,
        Int32(MSG_DONTWAIT))
    }
    var descriptors: [Descriptor] = []
    for index in 0..<Int(count) { descriptors.append(Descriptor(foreign: numbers[index])) }
    if descriptors.count > descriptorsMax {
      descriptors.removeLast(descriptors.count - descriptorsMax)
    }
    if answer == -Int(EMSGSIZE) { return (byteCount + 1, []) }
    guard answer >= 0 else { throw Errno(rawValue: Int32(clamping: -answer)) }
    return (answer, descriptors)
  }
}
