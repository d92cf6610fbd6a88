internal import EngineLink
internal import Keeper
internal import LinuxSystem
internal import VbusLink

/// Clients by the container's socket.
extension ContainerBus {
  /// Who may attach, from here on; those who are attached stay. The listener is the same all along.
  func follow(_ offer: ContainerOffer, _ listener: Descriptor?) {
    self.offer = offer
    isRetired = false
    if let listener { self.listener = listener }
    listen()
  }

  /// Not before a predecessor's clients are taken up: a new one is not to be taken for one of them,
  /// nor to get what they have open.
  private func listen() {
    guard isTakenUp, !isRetired, listenerToken == nil, let listener else { return }
    listenerToken = try? loop.watch(listener) { [weak self] _ in self?.connectionWaits() }
  }

  /// There are too many, or no descriptor is left: they wait in the listener for a while.
  private func pauseListening() {
    if let listenerToken { loop.remove(listenerToken) }
    listenerToken = nil
    _ = loop.after(milliseconds: Self.pauseMilliseconds) { [weak self] in self?.listen() }
  }

  private static let pauseMilliseconds: UInt64 = 100
  /// Those who are refused stay for a moment.
  private static let connectionsMax = clientsMax + 16

  /// Nobody is accepted any more, nor are those who wait in the listener: they are for a successor.
  func retire() -> Bool {
    guard clients.isEmpty else { return false }
    for connection in connections { connection.end() }
    isRetired = true
    if let listenerToken { loop.remove(listenerToken) }
    listenerToken = nil
    return true
  }

  private func connectionWaits() {
    guard let listener else { return }
    guard connections.count < Self.connectionsMax, !Quarantine.isFull else {
      return pauseListening()
    }
    // The keeper accepts, so that no connection is ever held by a process that can die alone.
    let scope = "\(Self.clientsPart)/\(monotonicNanoseconds())"
    let name = "\(scope)/\(ClientConnection.connectionPart)"
    guard let socket = try? keeper.accept(from: listener, as: name) else {
      return pauseListening()
    }
    connect(scope) { () throws(Errno) in
      try ClientConnection(beginning: socket, scope: scope, on: self)
    }
  }

  private func connect(_ scope: String, _ make: () throws(Errno) -> ClientConnection) {
    do throws(Errno) {
      let connection = try make()
      connections.append(connection)
      try connection.begin()
    } catch {
      connections.removeAll { $0.scope == scope }
      try? keeper.drop(scope)
    }
  }

  /// Why somebody may not attach; nil when he may. The right to write to the container's directory
  /// counts, as the mode of the socket says it, and `members/allow`.
  func refusal(of peer: SocketPeer) -> Errno? {
    guard let offer, isAllowed(peer, offer) else { return .accessDenied }
    return clients.count < Self.clientsMax ? nil : .noSpace
  }

  private func isAllowed(_ peer: SocketPeer, _ offer: ContainerOffer) -> Bool {
    let groups = peer.groups + [peer.gid]
    if peer.uid == 0 || offer.allowedUsers.contains(peer.uid) { return true }
    if groups.contains(where: offer.allowedGroups.contains) { return true }
    if peer.uid == offer.uid { return offer.permissions & 0o200 != 0 }
    if groups.contains(offer.gid) { return offer.permissions & 0o020 != 0 }
    return offer.permissions & 0o002 != 0
  }

  // MARK: A predecessor's clients

  /// What the keeper calls clients' things.
  static let clientsPart = "clients"

  /// Goes on with the clients of an engine that died. All devices that live on are there.
  func takeUp() {
    defer {
      isTakenUp = true
      listen()
    }
    guard let items = try? keeper.take(Self.clientsPart) else { return }
    var kept: [String: [String: Descriptor]] = [:]
    for item in items {
      let parts = item.name.split(separator: "/", maxSplits: 2)
      guard parts.count == 3 else { continue }
      kept["\(parts[0])/\(parts[1])", default: [:]][String(parts[2])] = item.descriptor
    }
    for (scope, things) in kept.sorted(by: { $0.key < $1.key }) { takeUp(scope, things) }
  }

  private func takeUp(_ scope: String, _ kept: [String: Descriptor]) {
    guard let socket = kept[ClientConnection.connectionPart] else {
      try? keeper.drop(scope)
      return
    }
    connect(scope) { () throws(Errno) in
      // Accepted, and nothing else.
      guard let record = kept[ClientConnection.recordPart] else {
        return try ClientConnection(beginning: socket, scope: scope, on: self)
      }
      return try ClientConnection(goingOn: socket, record, kept, scope: scope, on: self)
    }
  }
}
