internal import CLinux

/// The longest path a UNIX socket address holds, without its final NUL (unix(7)).
package let socketPathByteCountMax = 107

/// What a UNIX socket carries: bytes, or messages that are delivered whole (SOCK_SEQPACKET).
package enum SocketKind: Sendable { case stream, packets }

/// Listens on `path`, replacing a socket file that is there. The file appears with its owner and
/// mode already set. One byte of the path's room is needed for the temporary name.
package func listen(
  at path: String, kind: SocketKind = .stream, backlog: Int32 = 8, permissions: UInt32,
  uid: UInt32, gid: UInt32
) throws(Errno) -> Descriptor {
  let packets: Int32 = kind == .packets ? 1 : 0
  // SAFETY: the string lives for the call.
  let answer = unsafe linux_listen(path, packets, backlog, permissions, uid, gid)
  return Descriptor(owning: try checked(answer))
}

/// Connects a socket. Waits while the listener's backlog is full.
package func connect(
  to path: String, kind: SocketKind = .stream
) throws(Errno) -> Descriptor {
  // SAFETY: the string lives for the call.
  Descriptor(owning: try checked(unsafe linux_connect(path, kind == .packets ? 1 : 0)))
}

/// Connects to the socket behind an O_PATH descriptor: it cannot be exchanged in between.
package func connect(to socket: Descriptor) throws(Errno) -> Descriptor {
  try connect(to: "/proc/self/fd/\(socket.number)")
}

/// Accepts a waiting connection; `.again` when none waits. The connection is non-blocking.
package func accept(from listener: Descriptor) throws(Errno) -> Descriptor {
  Descriptor(owning: try checked(linux_accept(listener.number)))
}

/// Ends a connection in both directions, for every process that holds it (shutdown(2)).
package func disconnect(_ socket: Descriptor) { linux_shutdown(socket.number) }
