package import FuseMount
internal import LinuxSystem
internal import Model
internal import Tables

/// What a file shows.
struct Content {
  private let text: String
  private let isLine: Bool

  /// A text of whole lines.
  init(_ text: String) {
    self.text = text
    isLine = false
  }

  /// One value, which gets its newline here.
  init(line: String) {
    text = line
    isLine = true
  }

  var byteCount: Int { text.utf8.count + (isLine ? 1 : 0) }

  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(byteCount)
    bytes.append(contentsOf: text.utf8)
    if isLine { bytes.append(UInt8(ascii: "\n")) }
    return bytes
  }
}

extension ConfigTree {
  package func text(of file: NodeID) throws(TreeError) -> [UInt8] {
    let node = try resolve(file)
    switch kind(of: node) {
    case .directory: throw TreeError(.isDirectory)
    case .link: throw TreeError(.tooManyLinks)
    case .file: return content(of: node).bytes
    }
  }

  func content(of node: Node) -> Content {
    switch node {
    case .fixed(.readme): Content(readmeText)
    case .fixed(.version): Content(line: String(Self.contractVersion))
    case .fixed(.lastError): Content(refusalText(.tree))
    case .fixed(.sessionClasses): Content(line: sessionClassesText)
    case .fixed: Content("")
    case .ofClass(let place, let node): Content(line: value(of: node, layouts[place].table))
    case .device(let id, .file(.lastError)), .container(let id, .lastError):
      Content(refusalText(id))
    case .device(let id, .file(.connect)): Content(model.devices[id].map(connectText) ?? "")
    case .device(let id, let node):
      Content(line: model.devices.place(of: id.rawValue).map { value(of: node, at: $0) } ?? "")
    case .container(let id, let file): Content(line: value(of: file, of: id))
    case .member(let id, let file):
      Content(line: members.process(id).map { value(of: file, of: $0) } ?? "")
    case .plug(let id, _):
      Content(
        line: model.plugs[id].flatMap { model.devices[$0.device] }.flatMap { layout(of: $0) }?
          .table.interfaceType ?? "")
    }
  }

  /// The version of the tree's contract: it grows when a script could notice.
  private static let contractVersion = 1

  private func value(of node: ClassNode, _ table: DeviceClass) -> String {
    switch node {
    case .file(.description): table.description
    case .attribute(let index, let file):
      switch file {
      case .directory: ""
      case .help: table.attributes[index].help
      case .values: table.attributes[index].kind.accepted
      case .defaultText: table.attributes[index].defaultText
      case .when: table.attributes[index].window.sentence
      case .unit: table.attributes[index].unit
      }
    case .feature(let bit): table.features.first { $0.bit == bit }?.help ?? ""
    case .file: ""
    }
  }

  private func value(of node: DeviceNode, at place: Int) -> String {
    switch node {
    case .attribute(let index): value(ofAttribute: index, ofDeviceAt: place)
    case .file(.type): model.devices[at: place].className ?? ""
    case .file(.status): status(ofDeviceAt: place).rawValue
    case .file(.enabled): model.devices[at: place].isEnabled ? "1" : "0"
    case .file(let file): value(of: file, of: model.devices[at: place])
    case .counter(let index):
      String(word(index, of: world.liveState(of: model.devices[at: place].id)?.counters ?? []))
    case .bit(let bit): bitText(1 << UInt64(bit), of: model.devices[at: place])
    case .queue(let index, let file):
      text(of: file, world.liveState(of: model.devices[at: place].id)?.queues, index)
    }
  }

  private func value(of file: DeviceFile, of device: Device) -> String {
    switch file {
    case .mask: "0x" + hex(device.mask)
    case .offered: "0x" + hex(offered(by: device))
    case .acked: "0x" + hex(world.liveState(of: device.id)?.acked ?? 0)
    default: ""
    }
  }

  private func value(ofAttribute index: Int, ofDeviceAt place: Int) -> String {
    guard let table = layout(at: place)?.table else { return "" }
    let key = table.attributes[index].key
    if table.attributes[index].showsFact, let fact = model.devices[at: place].facts[key] {
      return fact
    }
    return model.devices[at: place].values[key]?.text ?? table.attributes[index].defaultText
  }

  func offered(by device: Device) -> UInt64 {
    guard let table = layout(of: device)?.table else { return 0 }
    return table.offered(table.resolvedValues(of: device), mask: device.mask)
  }

  private func bitText(_ bit: UInt64, of device: Device) -> String {
    guard offered(by: device) & bit != 0 else { return "off" }
    let acked = world.liveState(of: device.id)?.acked ?? 0
    return acked & bit != 0 ? "acked" : "offered"
  }

  private func word(_ index: Int, of counters: [UInt64]) -> UInt64 {
    counters.indices.contains(index) ? counters[index] : 0
  }

  private func text(of file: QueueFile, _ queues: [QueueState]?, _ index: Int) -> String {
    let isKnown = queues?.indices.contains(index) ?? false
    let queue = isKnown ? queues?[index] ?? QueueState() : QueueState()
    return switch file {
    case .directory: ""
    case .size: String(queue.size)
    case .state: queue.state.rawValue
    case .indices: "\(queue.availableIndex) \(queue.usedIndex)"
    case .kicks: String(queue.kicks)
    case .interrupts: String(queue.interrupts)
    }
  }

  private func value(of file: ContainerFile, of id: ObjectID) -> String {
    let engine = world.engineState(of: id)
    return switch file {
    case .pid: engine.pid.map { String($0) } ?? ""
    case .engineStatus: engine.status
    case .restarts: String(engine.restarts)
    case .status:
      model.holdsLiveDevices(id) || members.count(in: id) > 0 ? engine.status : "idle"
    case .allow: model.containers[id]?.allowance.text ?? ""
    case .count: String(members.count(in: id))
    default: ""
    }
  }

  private func value(of file: MemberFile, of process: Members.Process) -> String {
    switch file {
    case .directory: ""
    case .uid: String(process.uid)
    case .since: timestamp(process.since)
    case .devices: String(process.openCount)
    }
  }

  func status(of device: Device) -> Status {
    model.devices.place(of: device.id.rawValue).map { status(ofDeviceAt: $0) } ?? .untyped
  }

  private func status(ofDeviceAt place: Int) -> Status {
    let id = model.devices[at: place].id
    let live = model.isLive(id) ? world.liveState(of: id) : nil
    let engaged: Status.Engaged? = live.map { live in
      if live.fault != nil { return .faulted }
      return live.isRunning ? .running : .waiting
    }
    return Status(
      isTyped: model.devices[at: place].className != nil,
      isEnabled: model.devices[at: place].isEnabled,
      hasFailed: !failures.isEmpty && failures[id] != nil,
      engaged: engaged)
  }

  private func refusalText(_ object: ObjectID) -> String {
    guard let record = model.refusals[object] else { return "" }
    return """
      time: \(timestamp(record.time))
      path: \(record.path)
      value: \(record.value)
      errno: \(Errno(rawValue: record.errno).text)
      reason: \(record.reason)
      accepted: \(record.accepted)

      """
  }
}
