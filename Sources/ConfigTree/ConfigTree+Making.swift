package import FuseMount
internal import LinuxSystem
internal import Model
internal import Tables

extension ConfigTree {
  package func makeDirectory(
    _ name: [UInt8], in parent: NodeID, permissions: UInt32, _ request: Request
  ) throws(TreeError) -> Answer {
    let directory = try resolve(parent)
    return try operate(Attempt(request, at: parent, name: name)) { () throws(Refusal) in
      let owner = Owner(
        uid: request.uid, gid: request.gid,
        // What umask would take away: a world-writable directory is never meant.
        permissions: permissions & 0o775)
      return switch directory {
      case .fixed(.devices): try makeDevice(Name(name), owner, request)
      case .fixed(.containers): try makeContainer(Name(name), owner, request)
      default: throw .notMadeHere
      }
    }
  }

  private func makeDevice(
    _ name: Name, _ owner: Owner, _ request: Request
  ) throws(Refusal) -> Answer {
    guard model.device(named: name) == nil else { throw .nameTaken }
    try checkSocketPath(of: name)
    try checkSessionHasRoom(request)
    let id = try freshID()
    let answer = Answer.entry(Node.device(id, .file(.directory)).id)
    let device = Device(id: id, name: name, owner: owner, changed: world.now)
    try commit(
      [.putDevice(device), .putNextID(id.next)] + mark(id, of: request), request, answer)
    devicesChanged = world.now
    return answer
  }

  private func makeContainer(
    _ name: Name, _ owner: Owner, _ request: Request
  ) throws(Refusal) -> Answer {
    guard model.container(named: name) == nil else { throw .nameTaken }
    try checkSocketPath(ofContainer: name)
    let id = try freshID()
    let answer = Answer.entry(Node.container(id, .directory).id)
    let container = Container(id: id, name: name, owner: owner, changed: world.now)
    let changes = [.putContainer(container), .putNextID(id.next)] + mark(id, of: request)
    do throws(HostRefusal) { try world.openContainer(container) } catch { throw .host(error) }
    do throws(Refusal) { try commit(changes, request, answer) } catch {
      world.closeContainer(container)
      throw error
    }
    containersChanged = world.now
    return answer
  }

  func freshID() throws(Refusal) -> ObjectID {
    guard model.objectCount < Model.objectCountMax, model.nextID.rawValue < ObjectID.rawValueMax
    else { throw .tooManyObjects }
    return model.nextID
  }

  /// Both spellings must fit: the socket's own path, which needs a byte for a temporary name, and
  /// the tree's link to it, which is what people give to a front end.
  func checkSocketPath(of name: Name) throws(Refusal) {
    let own = world.socketDirectory.utf8.count + 1 + name.bytes.count + 1
    try checkSocketPath(max(own, socketPathByteCount(of: name)))
  }

  func checkSocketPath(ofContainer name: Name) throws(Refusal) {
    let own = world.containerSocketDirectory.utf8.count + 1 + name.bytes.count + 1
    try checkSocketPath(max(own, socketPathByteCount(ofContainer: name)))
  }

  private func checkSocketPath(_ count: Int) throws(Refusal) {
    guard count <= socketPathByteCountMax else {
      throw .socketPathTooLong(byteCount: count, byteCountMax: socketPathByteCountMax)
    }
  }

  package func removeDirectory(
    _ name: [UInt8], in parent: NodeID, _ request: Request
  ) throws(TreeError) -> Answer {
    let node = try resolve(lookup(name.span, in: parent))
    if case .device(let id, .file(.directory)) = node, isBusy(id) {
      return wait(for: id, request) { () throws(TreeError) in
        try self.removeDirectory(name, in: parent, request)
      }
    }
    return try operate(Attempt(request, at: node.id)) { () throws(Refusal) in
      switch node {
      case .device(let id, .file(.directory)): try removeDevice(id, request)
      case .container(let id, .directory): try removeContainer(id, request)
      default: throw kind(of: node) == .directory ? .fixedEntry : .notADirectory
      }
      return .done
    }
  }

  private func removeDevice(_ id: ObjectID, _ request: Request) throws(Refusal) {
    if let plug = model.plug(of: id) { throw .pluggedIn(container: containerName(plug.container)) }
    let place = model.devices.place(of: id.rawValue)
    let wasEnabled = place.map { model.devices[at: $0].isEnabled } ?? false
    var changes = model.removals(with: id)
    changes.append(.removeDevice(id))
    try commit(changes, request, .done)
    devicesChanged = world.now
    forget(id)
    world.ended(Node.nodes(of: id))
    if wasEnabled { world.closeHost(id) }
  }

  private func removeContainer(_ id: ObjectID, _ request: Request) throws(Refusal) {
    let links = model.linkCount(in: id) + (plugging[id]?.count ?? 0)
    guard links == 0 else { throw .holdsLinks(count: links) }
    let container = model.containers[id]
    try commit(model.removals(with: id) + [.removeContainer(id)], request, .done)
    containersChanged = world.now
    plugging[id] = nil
    // Whoever is attached is let go: that does not keep a container.
    if let container { world.closeContainer(container) }
    membersChanged([], of: id)
    members.forget(id)
    world.ended(Node.nodes(of: id))
  }

  func containerName(_ id: ObjectID) -> String { model.containers[id]?.name.text ?? "" }

  package func rename(
    _ name: [UInt8], in parent: NodeID, to newName: [UInt8], in newParent: NodeID,
    replacing: Bool, _ request: Request
  ) throws(TreeError) -> Answer {
    let node = try resolve(lookup(name.span, in: parent))
    let directory = try resolve(parent)
    let target = try? resolve(lookup(newName.span, in: newParent))
    if let device = [node, target].compactMap({ $0 }).compactMap(device).first(where: isBusy) {
      return wait(for: device, request) { () throws(TreeError) in
        try self.rename(
          name, in: parent, to: newName, in: newParent, replacing: replacing, request)
      }
    }
    let attempt = Attempt(request, at: node.id, value: newName)
    return try operate(attempt) { () throws(Refusal) in
      switch node {
      case .device(_, .file(.directory)), .container(_, .directory), .plug(_, .link): break
      default: throw .fixedEntry
      }
      guard parent == newParent else { throw .movesElsewhere }
      let newName = try Name(newName)
      if name == newName.bytes { return .done }
      guard target == nil || replacing, target == nil || directory.isLinkDirectory else {
        throw .nameTaken
      }
      switch node {
      case .device(let id, _): try rename(device: id, newName, request)
      case .container(let id, _): try rename(container: id, newName, request)
      default: return try rename(link: node.object, newName, attempt)
      }
      return .done
    }
  }

  /// The device an operation on this entry has to do with.
  func device(_ node: Node) -> ObjectID? {
    switch node {
    case .device(let id, _): id
    case .plug(let id, _): model.plugs[id]?.device
    case .fixed, .ofClass, .container, .member: nil
    }
  }

  private func rename(device id: ObjectID, _ name: Name, _ request: Request) throws(Refusal) {
    guard !model.isLive(id), var device = model.devices[id] else { throw .live }
    try checkSocketPath(of: name)
    device.name = name
    try commit([.putDevice(device)], request, .done)
    devicesChanged = world.now
  }

  private func rename(container id: ObjectID, _ name: Name, _ request: Request) throws(Refusal) {
    guard !model.holdsLiveDevices(id), plugging[id] == nil, var container = model.containers[id]
    else {
      throw .live
    }
    try checkSocketPath(ofContainer: name)
    let old = container.name
    container.name = name
    try commit([.putContainer(container)], request, .done)
    containersChanged = world.now
    world.containerRenamed(container, from: old)
  }
}

extension Node {
  fileprivate var isLinkDirectory: Bool {
    if case .container(_, .devices) = self { true } else { false }
  }
}
