internal import FuseMount
internal import Model
internal import Tables

/// An entry of a directory.
struct Child {
  let name: [UInt8]
  let node: Node

  init(_ name: String, _ node: Node) { self.init(Array(name.utf8), node) }

  init(_ name: [UInt8], _ node: Node) {
    self.name = name
    self.node = node
  }
}

extension ConfigTree {
  func kind(of node: Node) -> NodeKind {
    switch node {
    case .fixed(.root), .fixed(.classes), .fixed(.devices), .fixed(.containers): .directory
    case .fixed(.session): .link
    case .fixed: .file
    case .ofClass(_, .file(.description)): .file
    case .ofClass(_, .file), .ofClass(_, .attribute(_, .directory)): .directory
    case .ofClass: .file
    case .device(_, let node): kind(of: node)
    case .container(_, .directory), .container(_, .devices), .container(_, .ids),
      .container(_, .engine), .container(_, .members), .member(_, .directory):
      .directory
    case .container(_, .socket): .link
    case .container, .member: .file
    case .plug(_, .idDirectory): .directory
    case .plug(_, .idType): .file
    case .plug: .link
    }
  }

  private func kind(of node: DeviceNode) -> NodeKind {
    switch node {
    case .file(.directory), .file(.features), .file(.bits), .file(.queues), .file(.stats),
      .file(.limits), .queue(_, .directory):
      .directory
    case .file(.socket), .file(.container): .link
    default: .file
    }
  }

  /// All entries of a directory, in the order of their numbers.
  func children(of directory: Node) -> [Child] {
    switch directory {
    case .fixed(.root):
      FixedFile.allCases.filter { $0 != .root }.map { Child($0.name, .fixed($0)) }
    case .fixed(.classes):
      layouts.map { Child($0.table.name, .ofClass($0.place, .file(.directory))) }
    case .fixed(.devices):
      inOrder(model.devices) { Child($0.name.bytes, .device($0.id, .file(.directory))) }
    case .fixed(.containers):
      inOrder(model.containers) { Child($0.name.bytes, .container($0.id, .directory)) }
    case .fixed: []
    case .ofClass(let place, let node): children(of: node, place)
    case .device(let id, let node): model.devices[id].map { children(of: node, of: $0) } ?? []
    case .container(let id, let file): children(of: file, of: id)
    case .plug(let id, .idDirectory):
      PlugFile.inIDDirectory.map { Child($0.name, .plug(id, $0)) }
    case .plug: []
    case .member(let id, .directory): MemberFile.files.map { Child($0.name, .member(id, $0)) }
    case .member: []
    }
  }

  /// The rows of a table, the oldest first.
  private func inOrder<Row>(_ table: NumberTable<Row>, _ child: (Row) -> Child) -> [Child] {
    var children: [Child] = []
    children.reserveCapacity(table.count)
    for id in table.keys.sorted() {
      if let place = table.place(of: id) { children.append(child(table[at: place])) }
    }
    return children
  }

  private func children(of node: ClassNode, _ place: Int) -> [Child] {
    let table = layouts[place].table
    return switch node {
    case .file(.directory):
      (ClassFile.inDirectory + (table.hasLimits ? [.limits] : []))
        .map { Child($0.name, .ofClass(place, .file($0))) }
    case .file(.attributes): directories(ofAttributes: .device, of: place)
    case .file(.limits): directories(ofAttributes: .limits, of: place)
    case .file(.features):
      table.features.map { Child($0.name, .ofClass(place, .feature(bit: $0.bit))) }
    case .attribute(let index, .directory):
      AttributeFile.files.map { Child($0.name, .ofClass(place, .attribute(index, $0))) }
    case .file, .attribute, .feature: []
    }
  }

  private func directories(ofAttributes attributes: AttributePlace, of place: Int) -> [Child] {
    layouts[place].table.attributes(in: attributes).map {
      Child($0.spec.name, .ofClass(place, .attribute($0.index, .directory)))
    }
  }

  private func children(of node: DeviceNode, of device: Device) -> [Child] {
    let id = device.id
    func files(_ list: [DeviceFile]) -> [Child] {
      list.map { Child($0.name, .device(id, .file($0))) }
    }
    guard let layout = layout(of: device) else {
      return node == .file(.directory) ? files(DeviceFile.untyped) : []
    }
    func attributes(in place: AttributePlace) -> [Child] {
      layout.table.attributes(in: place).map {
        Child($0.spec.name, .device(id, .attribute($0.index)))
      }
    }
    let table = layout.table
    return switch node {
    case .file(.directory):
      files(DeviceFile.typed + (model.plug(of: id) == nil ? [] : [.container]))
        + files(table.hasLimits ? [.limits] : []) + attributes(in: .device) + files([.enabled])
    case .file(.limits): attributes(in: .limits)
    case .file(.features): files(DeviceFile.inFeatures)
    case .file(.bits): table.features.map { Child($0.name, .device(id, .bit($0.bit))) }
    case .file(.stats):
      table.counters.enumerated().map { Child($0.element.name, .device(id, .counter($0.offset))) }
    case .file(.queues):
      (0..<queueCount(of: device, layout)).map {
        Child(String($0), .device(id, .queue($0, .directory)))
      }
    case .queue(let index, .directory):
      QueueFile.files.map { Child($0.name, .device(id, .queue(index, $0))) }
    default: []
    }
  }

  private func children(of file: ContainerFile, of id: ObjectID) -> [Child] {
    switch file {
    case .directory: ContainerFile.inDirectory.map { Child($0.name, .container(id, $0)) }
    case .engine: ContainerFile.inEngine.map { Child($0.name, .container(id, $0)) }
    case .members:
      ContainerFile.inMembers.map { Child($0.name, .container(id, $0)) }
        + members.all(in: id).map { Child(String($0.process.pid), .member($0.id, .directory)) }
    case .devices: model.plugs(in: id).map { Child($0.linkName.bytes, .plug($0.id, .link)) }
    case .ids:
      model.plugs(in: id).compactMap { plug in
        plug.devID.map { Child(String($0.rawValue), .plug(plug.id, .idDirectory)) }
      }
    default: []
    }
  }
}
