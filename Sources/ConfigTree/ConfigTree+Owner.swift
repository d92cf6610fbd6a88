package import FuseMount
internal import Model
internal import Tables

extension ConfigTree {
  /// Owner and mode bits of a node: its own, where somebody gave it some, else what follows from
  /// its object. Files have their directory's bits without the right to search.
  func owner(of node: Node, _ id: NodeID, _ kind: NodeKind) -> Owner {
    let base =
      switch node {
      case .fixed, .ofClass: owner
      case .device(let id, _):
        model.devices.place(of: id.rawValue).map { model.devices[at: $0].owner } ?? owner
      case .container(let id, _):
        model.containers.place(of: id.rawValue).map { model.containers[at: $0].owner } ?? owner
      case .member(let id, _):
        members.process(id).flatMap { model.containers[$0.container] }?.owner ?? owner
      case .plug(let id, _):
        model.plugs[id].flatMap { model.containers[$0.container] }?.owner ?? owner
      }
    let own = model.nodeOwners.place(of: id.rawValue).map { model.nodeOwners[at: $0] }
    let permissions: UInt32 =
      switch kind {
      case .directory: base.permissions
      case .link: 0o777
      case .file: base.permissions & (isWritable(node) ? 0o666 : 0o444)
      }
    return Owner(
      uid: own?.uid ?? base.uid, gid: own?.gid ?? base.gid,
      permissions: own?.permissions ?? permissions)
  }

  /// Whether the mode bits of a device's directory let who asks write to it.
  func mayWrite(_ device: Device, _ request: Request) -> Bool {
    let owner = device.owner
    if request.uid == 0 { return true }
    if request.uid == owner.uid { return owner.permissions & 0o200 != 0 }
    if request.gid == owner.gid || world.groups(of: request).contains(owner.gid) {
      return owner.permissions & 0o020 != 0
    }
    return owner.permissions & 0o002 != 0
  }

  /// Whether the file is of the kind that is written; its window may still be closed.
  func isWritable(_ node: Node) -> Bool {
    guard case .device(let id, let node) = node else {
      return node == .fixed(.sessionClasses) || node.isAllow
    }
    return switch node {
    case .file(.type), .file(.enabled), .file(.mask), .bit: true
    case .attribute(let index):
      model.devices.place(of: id.rawValue).flatMap(layout(at:))?.table.attributes[index].window
        != .never
    case .file, .counter, .queue: false
    }
  }

  package func change(
    _ change: OwnerChange, of node: NodeID, _ request: Request
  ) throws(TreeError) -> Answer {
    let resolved = try resolve(node)
    if case .device(let id, _) = resolved, isBusy(id) {
      return wait(for: id, request) { () throws(TreeError) in
        try self.change(change, of: node, request)
      }
    }
    return try operate(Attempt(request, at: node)) { () throws(Refusal) in
      guard (change.permissions ?? 0) & 0o002 == 0 else { throw .worldWritable }
      // Touching it is well; more would have to be kept.
      if case .member = resolved {
        guard change == OwnerChange() else { throw .ofProcess }
        return .done
      }
      try commit(ownerChanges(change, of: resolved), request, .done)
      if case .device(let id, .file(.directory)) = resolved, model.isLive(id),
        let device = model.devices[id]
      {
        world.ownerChanged(device)
      }
      if case .container(let id, .directory) = resolved, let container = model.containers[id] {
        world.containerChanged(container)
      }
      return .done
    }
  }

  /// A device's or container's directory keeps its owner with the object, for all its files to
  /// follow; everything else gets a row of its own.
  private func ownerChanges(_ change: OwnerChange, of node: Node) -> [Change] {
    let permissions = change.permissions.map { $0 & 0o777 }
    func changed(_ owner: Owner) -> Owner {
      Owner(
        uid: change.uid ?? owner.uid, gid: change.gid ?? owner.gid,
        permissions: permissions ?? owner.permissions)
    }
    if case .device(let id, .file(.directory)) = node, var device = model.devices[id] {
      device.owner = changed(device.owner)
      device.changed = world.now
      return [.putDevice(device)]
    }
    if case .container(let id, .directory) = node, var container = model.containers[id] {
      container.owner = changed(container.owner)
      container.changed = world.now
      return [.putContainer(container)]
    }
    var own = model.nodeOwners[node.id.rawValue] ?? NodeOwner()
    own.permissions = permissions ?? own.permissions
    own.uid = change.uid ?? own.uid
    own.gid = change.gid ?? own.gid
    return [.putNodeOwner(node: node.id.rawValue, owner: own)]
  }
}

extension Node {
  fileprivate var isAllow: Bool { if case .container(_, .allow) = self { true } else { false } }
}
