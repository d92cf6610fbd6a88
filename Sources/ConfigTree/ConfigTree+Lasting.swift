package import FuseMount
internal import Model
internal import Tables

/// What the kernel may remember of the tree.
extension ConfigTree {
  /// Nothing lasts that an engine, a helper process or an operation elsewhere in the tree changes,
  /// but for what `touched` names. The attributes of files two directories below their object do
  /// not last either: they have their object's owner and mode, which change under the lock of its
  /// own directory alone.
  func lasting(_ node: Node) -> Lasting {
    // What a session made goes without a request of the kernel.
    if !model.sessionMarks.isEmpty, isOfSession(node) { return .nothing }
    return switch node {
    case .fixed(.lastError): .name
    case .fixed, .ofClass: .nameAndAttributes
    case .device(let id, let node): lasting(node, of: id)
    case .container(_, let file): lasting(file)
    // A spare link goes with the first one.
    case .plug(let id, .link): model.plugs[id]?.devID == nil ? .nothing : .name
    // A number in `ids` goes with its link.
    case .plug: .nothing
    // It goes with its process.
    case .member: .nothing
    }
  }

  private func isOfSession(_ node: Node) -> Bool {
    switch node {
    case .fixed, .ofClass, .member: false
    case .device(let id, _), .container(let id, _):
      model.sessionMarks.place(of: id.rawValue) != nil
    case .plug(let id, _):
      model.plugs[id].map {
        model.sessionMarks.place(of: $0.device.rawValue) != nil
          || model.sessionMarks.place(of: $0.container.rawValue) != nil
      } ?? false
    }
  }

  private func lasting(_ node: DeviceNode, of device: ObjectID) -> Lasting {
    switch node {
    case .file(.directory), .file(.type), .file(.enabled), .file(.features), .file(.stats),
      .file(.limits):
      .nameAndAttributes
    // The link is there only while the device is plugged in.
    case .file(.container): .nothing
    // `queues` has as many directories as the values ask for, its files the state of the engine.
    case .queue: .nothing
    case .file(.status), .file(.lastError), .file(.mask), .file(.offered), .file(.acked),
      .file(.bits), .file(.queues), .file(.socket), .file(.connect):
      .name
    case .attribute(let index): lasting(ofAttribute: index, of: device)
    case .counter, .bit: .name
    }
  }

  private func lasting(ofAttribute index: Int, of device: ObjectID) -> Lasting {
    guard let table = model.devices.place(of: device.rawValue).flatMap(layout(at:))?.table,
      table.attributes.indices.contains(index)
    else { return .nothing }
    let isInLimits = table.attributes[index].place == .limits
    // A fact takes the place of the value when the host side is opened.
    return table.attributes[index].showsFact || isInLimits ? .name : .nameAndAttributes
  }

  private func lasting(_ file: ContainerFile) -> Lasting {
    switch file {
    case .directory, .devices, .engine: .nameAndAttributes
    case .ids, .pid, .engineStatus, .restarts, .status, .lastError, .members, .allow, .count,
      .socket:
      .name
    }
  }

  package func touched(at id: NodeID, _ forget: (NodeID) -> Void) {
    guard let node = try? resolve(id) else { return }
    switch node {
    // Something was made, renamed or removed in it.
    case .fixed(.devices), .fixed(.containers): forget(id)
    // Owner, mode, files of the class, time of change.
    case .device(let device, .file), .device(let device, .bit):
      for node in lastingNodes(ofDevice: device) { forget(node) }
    case .container(let container, _):
      for file in [ContainerFile.directory, .devices, .engine] {
        forget(Node.container(container, file).id)
      }
    // The kernel itself knows that this file changed, and only this file did.
    case .device, .fixed, .ofClass, .plug, .member: return
    }
  }

  private func lastingNodes(ofDevice id: ObjectID) -> [NodeID] {
    guard let device = model.devices[id] else { return [] }
    let files = DeviceFile.allCases.map { DeviceNode.file($0) }
    let attributes = (layout(of: device)?.table.attributes.indices).map { indices in
      indices.map { DeviceNode.attribute($0) }
    }
    return (files + (attributes ?? [])).map { Node.device(id, $0) }
      .filter { lasting($0) == .nameAndAttributes && exists($0) }.map(\.id)
  }
}
