package import FuseMount
internal import LinuxSystem
internal import Model
internal import Tables

extension ConfigTree {
  /// The node with this number, if its file is there.
  func resolve(_ id: NodeID) throws(TreeError) -> Node {
    let object = Node.object(of: id)
    let slot = Node.slot(of: id)
    let node: Node? =
      if object.rawValue == ObjectID.tree.rawValue {
        Node.ofTree(slot: slot)
      } else if model.devices.place(of: object.rawValue) != nil {
        DeviceNode(slot: slot).map { .device(object, $0) }
      } else if model.plugs.place(of: object.rawValue) != nil {
        PlugFile(rawValue: slot).map { .plug(object, $0) }
      } else if model.containers.place(of: object.rawValue) != nil {
        ContainerFile(rawValue: slot).map { .container(object, $0) }
      } else if members.process(object) != nil {
        MemberFile(rawValue: slot).map { .member(object, $0) }
      } else {
        nil
      }
    guard let node, exists(node) else { throw TreeError(.noEntry) }
    return node
  }

  func exists(_ node: Node) -> Bool {
    switch node {
    case .fixed, .container, .member: true
    case .ofClass(let place, let node): layouts.indices.contains(place) && exists(node, place)
    case .device(let id, let node):
      model.devices.place(of: id.rawValue).map { exists(node, ofDeviceAt: $0) } ?? false
    case .plug(let id, let file): file == .link || model.plugs[id]?.devID != nil
    }
  }

  private func exists(_ node: ClassNode, _ place: Int) -> Bool {
    switch node {
    case .file(.limits): layouts[place].table.hasLimits
    case .file: true
    case .attribute(let index, _): layouts[place].table.attributes.indices.contains(index)
    case .feature(let bit): layouts[place].feature(bit) != nil
    }
  }

  private func exists(_ node: DeviceNode, ofDeviceAt place: Int) -> Bool {
    switch node {
    case .file(.directory), .file(.type), .file(.status), .file(.lastError): return true
    case .file(.container): return model.plug(of: model.devices[at: place].id) != nil
    default: break
    }
    guard let layout = layout(at: place) else { return false }
    return switch node {
    case .file(.limits): layout.table.hasLimits
    case .file: true
    case .attribute(let index): layout.table.attributes.indices.contains(index)
    case .counter(let index): layout.table.counters.indices.contains(index)
    case .bit(let bit): layout.feature(bit) != nil
    case .queue(let index, _): index < queueCount(of: model.devices[at: place], layout)
    }
  }

  func queueCount(of device: Device, _ layout: ClassLayout) -> Int {
    min(layout.table.queueCount(layout.table.values(of: device)), Int(DeviceNode.queueCountMax))
  }

  package func lookup(_ name: Span<UInt8>, in parent: NodeID) throws(TreeError) -> NodeID {
    let directory = try resolve(parent)
    guard case .directory = kind(of: directory) else { throw TreeError(.notDirectory) }
    guard let node = child(name, of: directory) else { throw TreeError(.noEntry) }
    return node.id
  }

  /// The entry called `name`, without a walk over all entries where there may be many.
  private func child(_ name: Span<UInt8>, of directory: Node) -> Node? {
    switch directory {
    case .device(let id, let node): child(name, of: id, node)
    case .fixed(.devices):
      (try? Name([UInt8](name))).flatMap { model.device(named: $0) }
        .map { .device($0, .file(.directory)) }
    case .fixed(.containers):
      (try? Name([UInt8](name))).flatMap { model.container(named: $0) }
        .map { .container($0, .directory) }
    case .container(let id, .devices):
      (try? Name([UInt8](name))).flatMap { model.plug(linked: $0, in: id) }
        .map { .plug($0, .link) }
    case .container(let id, .ids):
      devID([UInt8](name)).flatMap { model.plug($0, in: id) }.map { .plug($0.id, .idDirectory) }
    default: listedChild(name, of: directory)
    }
  }

  private func listedChild(_ name: Span<UInt8>, of directory: Node) -> Node? {
    for child in children(of: directory) where name == child.name { return child.node }
    return nil
  }

  private func child(_ name: Span<UInt8>, of id: ObjectID, _ directory: DeviceNode) -> Node? {
    guard let place = model.devices.place(of: id.rawValue), let layout = layout(at: place) else {
      return listedChild(name, of: .device(id, directory))
    }
    let names: NameTable
    switch directory {
    case .file(.directory): names = layout.directory
    case .file(.limits): names = layout.limits
    case .file(.bits): names = layout.bits
    case .file(.stats): names = layout.counters
    default: return listedChild(name, of: .device(id, directory))
    }
    guard let node = names[name], exists(node, ofDeviceAt: place) else { return nil }
    return .device(id, node)
  }

  /// A dev-id in its one spelling.
  private func devID(_ name: [UInt8]) -> DevID? {
    let text = String(decoding: name, as: UTF8.self)
    guard let number = UInt32(text), String(number) == text else { return nil }
    return DevID(rawValue: number)
  }

  package func entries(of directory: NodeID) throws(TreeError) -> [DirectoryEntry] {
    let node = try resolve(directory)
    guard case .directory = kind(of: node) else { throw TreeError(.notDirectory) }
    return children(of: node).map {
      DirectoryEntry(name: $0.name, node: $0.node.id, kind: kind(of: $0.node))
    }
  }

  package func linkTarget(of id: NodeID) throws(TreeError) -> [UInt8] {
    let node = try resolve(id)
    guard let target = target(of: node) else { throw TreeError(.invalid) }
    return Array(target.utf8)
  }

  private func target(of node: Node) -> String? {
    switch node {
    case .plug(let id, .link): "../../../devices/" + deviceName(of: id)
    case .plug(let id, .idDevice): "../../../../devices/" + deviceName(of: id)
    case .device(let id, .file(.container)):
      model.plug(of: id).flatMap { model.containers[$0.container] }
        .map { "../../containers/" + $0.name.text }
    case .device(let id, .file(.socket)):
      model.devices[id].map { world.socketDirectory + "/" + $0.name.text }
    case .container(let id, .socket):
      model.containers[id].map { world.containerSocketDirectory + "/" + $0.name.text }
    case .fixed(.session): world.sessionSocket
    default: nil
    }
  }

  private func deviceName(of plug: ObjectID) -> String {
    model.plugs[plug].flatMap { model.devices[$0.device] }?.name.text ?? ""
  }

  package func attributes(of id: NodeID) throws(TreeError) -> NodeAttributes {
    let node = try resolve(id)
    let kind = kind(of: node)
    let owner = owner(of: node, id, kind)
    var byteCount = 0
    var linkCount: UInt32 = 1
    switch kind {
    case .directory: linkCount = self.linkCount(of: node)
    case .file: byteCount = content(of: node).byteCount
    case .link: byteCount = target(of: node)?.utf8.count ?? 0
    }
    return NodeAttributes(
      node: id, kind: kind, permissions: owner.permissions, uid: owner.uid, gid: owner.gid,
      byteCount: UInt64(byteCount), linkCount: linkCount, changed: changed(node),
      lasting: lasting(node))
  }

  /// A directory has one link for its name, one for its `.` and one for each directory in it.
  /// Counted without listing it, for every path through a directory asks.
  private func linkCount(of directory: Node) -> UInt32 {
    let inside =
      switch directory {
      case .fixed(.root): 3
      case .fixed(.classes): layouts.count
      case .fixed(.devices): model.devices.count
      case .fixed(.containers): model.containers.count
      case .ofClass(let place, .file(.directory)): layouts[place].table.hasLimits ? 3 : 2
      case .ofClass(let place, .file(.attributes)):
        layouts[place].table.attributes(in: .device).count
      case .ofClass(let place, .file(.limits)): layouts[place].table.attributes(in: .limits).count
      case .device(let id, .file(.directory)):
        model.devices.place(of: id.rawValue).flatMap(layout(at:)).map { $0.table.hasLimits ? 4 : 3 }
          ?? 0
      case .device(_, .file(.features)): 1
      case .device(let id, .file(.queues)):
        model.devices[id].flatMap { device in
          layout(of: device).map { queueCount(of: device, $0) }
        } ?? 0
      case .container(_, .directory): 4
      case .container(let id, .members): members.count(in: id)
      case .container(let id, .ids): model.devIDCount(in: id)
      default: 0
      }
    return 2 + UInt32(clamping: inside)
  }

  private func changed(_ node: Node) -> UInt64 {
    switch node {
    case .fixed(.devices): devicesChanged
    case .fixed(.containers): containersChanged
    case .fixed(.lastError): model.refusals[ObjectID.tree]?.time ?? started
    case .fixed(.sessionClasses): model.settings[Self.sessionClassesKey]?.changed ?? started
    case .fixed, .ofClass: started
    case .device(let id, .file(.lastError)), .container(let id, .lastError):
      model.refusals[id]?.time ?? changed(object: id)
    case .device(let id, .attribute(let index)):
      model.devices.place(of: id.rawValue).flatMap { place in
        layout(at: place).flatMap { layout in
          model.devices[at: place].values[layout.table.attributes[index].key]?.changed
        }
      } ?? changed(object: id)
    case .container(let id, .members):
      max(changed(object: id), members.changed(in: id) ?? started)
    case .member(let id, _): members.process(id)?.changed ?? started
    case .device(let id, _), .container(let id, _), .plug(let id, _): changed(object: id)
    }
  }

  private func changed(object: ObjectID) -> UInt64 {
    if let place = model.devices.place(of: object.rawValue) {
      return model.devices[at: place].changed
    }
    if let place = model.containers.place(of: object.rawValue) {
      return model.containers[at: place].changed
    }
    return model.plugs[object]?.changed ?? started
  }
}
