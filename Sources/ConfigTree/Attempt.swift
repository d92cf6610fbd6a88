internal import FuseMount
internal import LinuxSystem
internal import Model

/// An operation somebody asked for, as far as `last_error` tells of it.
struct Attempt {
  let request: Request
  /// The file, or the directory of the name.
  let node: NodeID
  let name: [UInt8]?
  let value: [UInt8]

  init(_ request: Request, at node: NodeID, name: [UInt8]? = nil, value: [UInt8] = []) {
    self.request = request
    self.node = node
    self.name = name
    self.value = value
  }
}

extension ConfigTree {
  /// Puts a refusal into `last_error` of the object and of the tree. Where that cannot be stored
  /// the caller still gets its errno.
  func record(_ refusal: Refusal, _ attempt: Attempt) {
    newestRefusal = (attempt.request.unique, refusal)
    let place = path(of: attempt.node) + (attempt.name.map { [$0] } ?? [])
    record(
      RefusalRecord(
        time: world.now, path: escaped(Array(place.joined(separator: [UInt8(ascii: "/")]))),
        value: escaped(attempt.value), errno: refusal.errno.rawValue, reason: refusal.reason,
        accepted: refusal.accepted),
      of: Node.object(of: attempt.node))
  }

  func record(_ record: RefusalRecord, of object: ObjectID) {
    var changes: [Change] = [.putRefusal(object: .tree, record: record)]
    let file: Node? =
      if model.devices[object] != nil {
        .device(object, .file(.lastError))
      } else if model.containers[object] != nil {
        .container(object, .lastError)
      } else {
        nil
      }
    if file != nil { changes.append(.putRefusal(object: object, record: record)) }
    do throws(Refusal) { try commit(changes, nil, .done) } catch { return }
    if let file { world.changed(file.id) }
    world.changed(Node.fixed(.lastError).id)
  }

  /// The names that lead from the root to a node.
  func path(of id: NodeID) -> [[UInt8]] {
    guard let node = try? resolve(id) else { return [] }
    return path(of: node).map { Array($0.utf8) }
  }

  private func path(of node: Node) -> [String] {
    switch node {
    case .fixed(.root): []
    case .fixed(let file): [file.name]
    case .ofClass(let place, let node):
      ["classes", layouts[place].table.name] + path(of: node, place)
    case .device(let id, let node):
      ["devices", model.devices[id]?.name.text ?? ""] + path(of: node, of: id)
    case .container(let id, let file):
      ["containers", model.containers[id]?.name.text ?? ""] + path(of: file)
    case .plug(let id, let file): path(of: file, of: id)
    case .member(let id, let file): path(of: file, ofMember: id)
    }
  }

  private func path(of file: MemberFile, ofMember id: ObjectID) -> [String] {
    guard let process = members.process(id) else { return [] }
    let container = model.containers[process.container]?.name.text ?? ""
    return ["containers", container, ContainerFile.members.name, String(process.pid)]
      + (file == .directory ? [] : [file.name])
  }

  private func path(of node: ClassNode, _ place: Int) -> [String] {
    let table = layouts[place].table
    return switch node {
    case .file(.directory): []
    case .file(let file): [file.name]
    case .attribute(let index, let file):
      [
        (table.attributes[index].place == .limits ? ClassFile.limits : .attributes).name,
        table.attributes[index].name,
      ] + (file == .directory ? [] : [file.name])
    case .feature(let bit): ["features", layouts[place].feature(bit)?.name ?? ""]
    }
  }

  private func path(of attribute: AttributeSpec) -> [String] {
    switch attribute.place {
    case .device: [attribute.name]
    case .limits: [DeviceFile.limits.name, attribute.name]
    }
  }

  private func path(of node: DeviceNode, of id: ObjectID) -> [String] {
    let layout = model.devices[id].flatMap { self.layout(of: $0) }
    return switch node {
    case .file(.directory): []
    case .file(let file):
      DeviceFile.inFeatures.contains(file) ? ["features", file.name] : [file.name]
    case .attribute(let index):
      layout.map { path(of: $0.table.attributes[index]) } ?? []
    case .counter(let index): ["stats", layout?.table.counters[index].name ?? ""]
    case .bit(let bit): ["features", "bits", layout?.feature(bit)?.name ?? ""]
    case .queue(let index, .directory): ["queues", String(index)]
    case .queue(let index, let file): ["queues", String(index), file.name]
    }
  }

  private func path(of file: ContainerFile) -> [String] {
    if file == .directory { return [] }
    if ContainerFile.inMembers.contains(file) { return [ContainerFile.members.name, file.name] }
    return ContainerFile.inEngine.contains(file) ? ["engine", file.name] : [file.name]
  }

  private func path(of file: PlugFile, of id: ObjectID) -> [String] {
    guard let plug = model.plugs[id] else { return [] }
    let container = ["containers", model.containers[plug.container]?.name.text ?? ""]
    let number = plug.devID.map { String($0.rawValue) } ?? ""
    return switch file {
    case .link: container + ["devices", plug.linkName.text]
    case .idDirectory: container + ["ids", number]
    case .idDevice, .idType: container + ["ids", number, file.name]
    }
  }
}
