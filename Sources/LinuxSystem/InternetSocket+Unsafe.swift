internal import CLinux

/// Listens for TCP on 127.0.0.1, where only programs of this machine reach it. Port 0 is any that
/// is free; `port(of:)` tells which. The listener does not wait.
package func listen(onLoopbackPort port: UInt16) throws(Errno) -> Descriptor {
  Descriptor(owning: try checked(linux_tcp_listen(port)))
}

/// The port of a TCP socket on this machine's side.
package func port(of socket: Descriptor) throws(Errno) -> UInt16 {
  UInt16(truncatingIfNeeded: try checked(linux_tcp_port(socket.number)))
}

/// Connects by TCP to a numeric address; EINVAL for a name. Waits for the connection.
package func connect(toHost host: String, port: UInt16) throws(Errno) -> Descriptor {
  // SAFETY: the string lives for the call.
  Descriptor(owning: try checked(unsafe linux_tcp_connect(host, port)))
}

/// Has a TCP connection send at once whatever is written to it.
package func sendAtOnce(_ socket: Descriptor) throws(Errno) {
  _ = try checked(linux_tcp_hurry(socket.number))
}
