package import LinuxSystem
package import VbusClient

/// The way to a bus as a text: the path of a container's socket, or one of
///
///     tcp:127.0.0.1:PORT      a relay that listens there
///     tty:PATH                a relay at the other end of a serial line
///     exec:COMMAND            a relay that a shell command starts or leads to: its input and output
///     vhost-user:TYPE:PATH    the vhost-user socket of one device, with its interface type
///
/// A path that begins with such a word can be written `./tcp:…`.
package enum ConnectorAddress: Hashable, Sendable {
  case socket(path: String)
  case tcp(host: String, port: UInt16)
  case terminal(path: String)
  case command(String)
  case vhostUser(type: String, path: String)

  /// Nil for an empty text, and one that lacks what its first word needs.
  package init?(_ text: String) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let rest = parts.last.map(String.init) else {
      guard !text.isEmpty else { return nil }
      self = .socket(path: text)
      return
    }
    switch parts[0] {
    case "tcp":
      let places = rest.split(separator: ":", omittingEmptySubsequences: false)
      guard places.count == 2, !places[0].isEmpty, let port = UInt16(places[1]), port > 0 else {
        return nil
      }
      self = .tcp(host: String(places[0]), port: port)
    case "tty":
      guard !rest.isEmpty else { return nil }
      self = .terminal(path: rest)
    case "exec":
      guard !rest.isEmpty else { return nil }
      self = .command(rest)
    case "vhost-user":
      let places = rest.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard places.count == 2, !places[0].isEmpty, !places[1].isEmpty else { return nil }
      self = .vhostUser(type: String(places[0]), path: String(places[1]))
    default: self = .socket(path: text)
    }
  }

  /// Connects; `options` are for streams.
  package func connector(
    _ options: StreamConnector.Options = StreamConnector.Options()
  ) throws(BusError) -> any Connector {
    switch self {
    case .socket(let path): return try SocketConnector(connectingTo: path)
    case .vhostUser(let type, let path):
      return try VhostUserConnector(connectingTo: path, type: type)
    case .tcp(let host, let port):
      return try StreamConnector(options: options) { () throws(Errno) in
        let socket = try connect(toHost: host, port: port)
        try? sendAtOnce(socket)
        return StreamEnds(socket)
      }
    case .terminal(let path):
      return try StreamConnector(options: options) { () throws(Errno) in try Self.line(path) }
    case .command(let command):
      // Nobody reaches the same relay a second time.
      var isStarted = false
      return try StreamConnector(options: options) { () throws(Errno) in
        guard !isStarted else { throw .notSupported }
        isStarted = true
        return try Self.start(command)
      }
    }
  }

  /// A serial line, which passes every byte as it is from then on.
  package static func line(_ path: String) throws(Errno) -> StreamEnds {
    let terminal = try open(path, [.readWrite, .nonblocking, .noTerminal])
    try makeRaw(terminal)
    return StreamEnds(terminal)
  }

  /// A command, which ends when its input does.
  private static func start(_ command: String) throws(Errno) -> StreamEnds {
    let (far, toCommand) = try makePipe()
    let (fromCommand, near) = try makePipe()
    let shell = try spawn(
      "/bin/sh", ["-c", "exec <&3 >&4 3<&- 4>&-\n\(command)"], environment: environmentTexts(),
      descriptors: [far, near])
    return StreamEnds(input: fromCommand, output: toCommand, command: StreamCommand(shell))
  }
}
