internal import CLinux

/// Where in a stream socket's waiting bytes the next peek begins (SO_PEEK_OFF, socket(7)); each
/// peek moves it on. -1: every peek begins with the first byte.
package func setPeekOffset(of socket: Descriptor, _ offset: Int) throws(Errno) {
  _ = try checked(linux_set_peek_offset(socket.number, Int32(clamping: offset)))
}

/// Whether the other side of a socket has closed, or this connection has failed. Bytes it sent
/// before may still wait.
package func hasEnded(_ socket: Descriptor) -> Bool { linux_has_ended(socket.number) != 0 }
