internal import ConfigTree
internal import EngineLink
internal import LinuxSystem
internal import Model

/// The sockets of containers, to which native clients attach.
///
/// Each container has its own from mkdir on, so that a client can wait in an empty one for devices
/// to come. It costs a descriptor in this process and one with the keeper; so there is a bound on
/// containers, and mkdir says when it is reached.
extension Control {
  /// A container is meant for a process of its own: a machine runs far fewer.
  static let socketCountMax = 4096
  /// Clients that wait for an engine to start.
  private static let backlog: Int32 = 64

  func openContainer(_ container: Container) throws(HostRefusal) {
    guard engines.buses.count < Self.socketCountMax else {
      throw HostRefusal(
        errno: Errno.tooManyOpenFiles.rawValue,
        reason: "there are \(Self.socketCountMax) containers, and each has a socket",
        accepted: "first rmdir one")
    }
    do throws(Errno) { try makeBus(of: container) } catch {
      closeContainer(container)
      throw HostRefusal(
        errno: error.rawValue, reason: "the container's socket cannot be made: \(error.text)")
    }
  }

  func closeContainer(_ container: Container) {
    engines.close(container.id)
    try? unlink(busPath(of: container))
    try? keeper.drop(Kept.container(container.id))
  }

  func containerRenamed(_ container: Container, from old: Name) {
    try? rename(places.buses + "/" + old.text, to: busPath(of: container))
  }

  func containerChanged(_ container: Container) {
    let path = busPath(of: container)
    try? setOwner(path, uid: container.owner.uid, gid: container.owner.gid)
    try? setPermissions(path, busMode(of: container))
    engines.change(container.id, ContainerOffer(container))
  }

  private func makeBus(of container: Container) throws(Errno) {
    let listener = try listen(
      at: busPath(of: container), backlog: Self.backlog, permissions: busMode(of: container),
      uid: container.owner.uid, gid: container.owner.gid, kind: .packets)
    try keeper.put(listener, as: Kept.bus(container.id))
    engines.open(container.id, listener, ContainerOffer(container))
  }

  private func busPath(of container: Container) -> String {
    places.buses + "/" + container.name.text
  }

  /// Who may write to the directory may attach. Where others may too, the engine looks who comes.
  private func busMode(of container: Container) -> UInt32 {
    container.allowance.isEmpty ? container.owner.permissions & 0o666 : 0o666
  }

  // MARK: Taking up

  /// Takes up the sockets that the keeper has, and makes those that are missing.
  func takeUpContainers(_ kept: [String: Descriptor]) throws {
    let running = Array(engines.engines.keys)
    for id in Set(kept.keys.compactMap(Kept.container(named:))).union(running)
    where tree.model.containers[id] == nil {
      engines.close(id)
      try keeper.drop(Kept.container(id))
    }
    let containers = tree.model.containers.values.sorted { $0.id < $1.id }
    try clearSockets(of: containers.filter { kept[Kept.bus($0.id)] != nil && !hasSocket($0) })
    for container in containers { takeUp(container, kept[Kept.bus(container.id)]) }
  }

  /// Files of containers that are gone. A predecessor that died while it renamed a container left
  /// one file too many, and one container without.
  private func clearSockets(of lacking: [Container]) throws {
    let stale = try names(in: places.buses).filter { container(named: $0) == nil }
    if let container = lacking.first, lacking.count == 1, stale.count == 1 {
      return try rename(places.buses + "/" + stale[0], to: busPath(of: container))
    }
    for name in stale { try? unlink(places.buses + "/" + name) }
  }

  private func hasSocket(_ container: Container) -> Bool {
    (try? facts(at: busPath(of: container)))?.kind == .socket
  }

  /// A predecessor may have died between the rows and the socket. An engine that runs has the old
  /// listener, and goes on with it whatever became of the file.
  private func takeUp(_ container: Container, _ listener: Descriptor?) {
    if let listener, hasSocket(container) || engines.engines[container.id] != nil {
      engines.open(container.id, listener, ContainerOffer(container))
      containerChanged(container)
      return
    }
    do throws(HostRefusal) { try openContainer(container) } catch {
      tree.containerFailed(container.id, error)
    }
  }

  private func container(named name: String) -> ObjectID? {
    (try? Name(name)).flatMap { tree.model.container(named: $0) }
  }
}

extension ContainerOffer {
  fileprivate init(_ container: Container) {
    self.init(
      uid: container.owner.uid, gid: container.owner.gid,
      permissions: container.owner.permissions, allowedUsers: container.allowance.users,
      allowedGroups: container.allowance.groups)
  }
}
