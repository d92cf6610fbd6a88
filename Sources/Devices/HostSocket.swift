internal import LinuxSystem
internal import Model

/// A UNIX stream socket of the host that somebody listens on.
struct HostSocket {
  private let place: HostPath

  /// The one that the attribute `path` names.
  init(_ wish: HostWish) throws(HostRefusal) {
    let wanted = "a UNIX stream socket that a program listens on"
    place = try HostPath(wish.values["path"] ?? "", wish.forbiddenFileSystem, wanted: wanted)
    guard place.kind == .socket else { throw place.refusal(wanted: wanted) }
  }

  /// Refuses who may not connect. The listener does not notice.
  func checkRights() throws(HostRefusal) {
    do throws(Errno) { try checkMayWrite(place.named) } catch { throw refusal(error) }
  }

  /// Connects. Where the listener's backlog is full that waits, until the caller's deadline.
  func connected() throws(HostRefusal) -> Descriptor {
    do throws(Errno) {
      let connection = try connect(to: place.named)
      try connection.setNonblocking(true)
      return connection
    } catch { throw refusal(error) }
  }

  private func refusal(_ error: Errno) -> HostRefusal {
    switch error {
    case .connectionRefused:
      HostRefusal(error, "nobody listens on \(place.path)", "a socket that a program listens on")
    case .wrongSocketType:
      HostRefusal(error, "\(place.path) is no stream socket", "a UNIX stream socket")
    default: HostRefusal(error, "\(place.path) could not be connected to: \(error.sentence)")
    }
  }
}
