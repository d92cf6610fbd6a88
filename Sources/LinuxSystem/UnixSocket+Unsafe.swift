internal import CLinux
internal import Glibc

/// What a connection of a UNIX socket carries.
package enum SocketKind: Sendable {
  /// Bytes (SOCK_STREAM).
  case stream
  /// Messages, each delivered whole (SOCK_SEQPACKET): see `Channel`.
  case packets

  fileprivate var type: Int32 {
    switch self {
    case .stream: Int32(SOCK_STREAM.rawValue)
    case .packets: Int32(SOCK_SEQPACKET.rawValue)
    }
  }
}

/// The longest path a UNIX socket address holds, without its final NUL (unix(7)).
package let socketPathByteCountMax = 107

/// Listens on `path`, replacing a socket file that is there. The file appears with its owner and
/// mode already set. One byte of the path's room is needed for the temporary name.
///
/// Foreign, as what `accept` answers: strangers may have sent what nobody receives any more.
package func listen(
  at path: String, backlog: Int32 = 8, permissions: UInt32, uid: UInt32, gid: UInt32,
  kind: SocketKind = .stream
) throws(Errno) -> Descriptor {
  // SAFETY: the string lives for the call.
  let number = unsafe linux_listen(path, kind.type, backlog, permissions, uid, gid)
  return Descriptor(foreign: try checked(number))
}

/// Connects a stream socket. Waits while the listener's backlog is full.
package func connect(to path: String) throws(Errno) -> Descriptor {
  // SAFETY: the string lives for the call.
  Descriptor(owning: try checked(unsafe linux_connect(path, SocketKind.stream.type)))
}

/// Connects to a listener for packets, without waiting: throws `.again` while its backlog is full.
/// The connection is non-blocking.
package func connectPackets(to path: String) throws(Errno) -> Channel {
  let type = SocketKind.packets.type | Int32(SOCK_NONBLOCK.rawValue)
  // SAFETY: the string lives for the call.
  return Channel(Descriptor(owning: try checked(unsafe linux_connect(path, type))))
}

/// As `connectPackets(to:)`, of a path that may be longer than a socket's address.
package func connectPackets(toAnyLength path: String) throws(Errno) -> Channel {
  guard path.utf8.count > socketPathByteCountMax else { return try connectPackets(to: path) }
  let socket = try open(path, .pathOnly)
  return try connectPackets(to: "/proc/self/fd/\(socket.number)")
}

/// Connects to the socket behind an O_PATH descriptor: it cannot be exchanged in between.
package func connect(to socket: Descriptor) throws(Errno) -> Descriptor {
  try connect(to: "/proc/self/fd/\(socket.number)")
}

/// Accepts a waiting connection; `.again` when none waits. The connection is non-blocking.
package func accept(from listener: Descriptor) throws(Errno) -> Descriptor {
  Descriptor(foreign: try checked(linux_accept(listener.number)))
}

/// Ends a connection in both directions, for every process that holds it (shutdown(2)).
package func disconnect(_ socket: Descriptor) { linux_shutdown(socket.number) }
