package import Tables

/// What people configured: devices, containers, and which is plugged into which.
///
/// It changes by `apply` alone, so a model is the sum of the changes it was given: replaying the
/// stored ones gives the same model again. All look-ups cost the same however many objects exist.
/// It is an object because every request of the kernel looks into it, and must not count references
/// to each of its tables.
package final class Model: Equatable {
  /// All devices, by id.
  package let devices = NumberTable<Device>()
  /// All containers, by id.
  package let containers = NumberTable<Container>()
  /// What is plugged in where, by the plug's id.
  package let plugs = NumberTable<Plug>()
  /// The newest refusal of each object, by its id.
  package let refusals = NumberTable<RefusalRecord>()
  /// Owners and modes that single files have of their own, by node number.
  package let nodeOwners = NumberTable<NodeOwner>()
  /// What belongs to a session, by the object's id.
  package let sessionMarks = NumberTable<SessionMark>()
  /// The newest answer of each session.
  package private(set) var sessionReplies: [SessionID: SessionReply] = [:]
  /// Values of the tree itself that somebody wrote, by name.
  package private(set) var settings: [String: Setting] = [:]
  package private(set) var nextID = ObjectID(rawValue: 1)

  // Indices: they follow from the rows above.
  private var deviceNames: [Name: ObjectID] = [:]
  private var containerNames: [Name: ObjectID] = [:]
  private let buses = NumberTable<Bus>()
  /// The plug with a dev-id of each device that is plugged in.
  private let plugOfDevice = NumberTable<ObjectID>()
  private let spareOfDevice = NumberTable<ObjectID>()
  private var ownedNodes: [ObjectID: Set<UInt64>] = [:]

  /// What is plugged into one container.
  private struct Bus: Hashable {
    var links: [Name: ObjectID] = [:]
    var ids: [DevID: ObjectID] = [:]
  }

  /// A bound on devices, containers and links together. A thousand times what a machine runs.
  package static let objectCountMax: UInt64 = 1_000_000
  /// A bound on the devices of one session.
  package static let sessionDeviceCountMax = 16

  package init() {}

  package init(replaying changes: [Change]) { apply(changes) }

  package static func == (left: Model, right: Model) -> Bool {
    // The other tables follow from these.
    left.devices == right.devices && left.containers == right.containers
      && left.plugs == right.plugs && left.refusals == right.refusals
      && left.nodeOwners == right.nodeOwners && left.nextID == right.nextID
      && left.sessionMarks == right.sessionMarks && left.sessionReplies == right.sessionReplies
      && left.settings == right.settings
  }

  // MARK: Looking

  package func device(named name: Name) -> ObjectID? { deviceNames[name] }

  package func container(named name: Name) -> ObjectID? { containerNames[name] }

  /// The link called `name` in a container's `devices`.
  package func plug(linked name: Name, in container: ObjectID) -> ObjectID? {
    buses.place(of: container.rawValue).flatMap { buses[at: $0].links[name] }
  }

  package func plug(_ devID: DevID, in container: ObjectID) -> Plug? {
    buses[container]?.ids[devID].flatMap { plugs[$0] }
  }

  /// The plug that gave the device its dev-id.
  package func plug(of device: ObjectID) -> Plug? { plugOfDevice[device].flatMap { plugs[$0] } }

  /// The second link that `ln -sfn` made for a moment.
  package func spare(of device: ObjectID) -> Plug? { spareOfDevice[device].flatMap { plugs[$0] } }

  /// All links of a container, the oldest first.
  package func plugs(in container: ObjectID) -> [Plug] {
    (buses[container]?.links.values).map { ids in ids.sorted().compactMap { plugs[$0] } } ?? []
  }

  package func linkCount(in container: ObjectID) -> Int { buses[container]?.links.count ?? 0 }

  package func devIDCount(in container: ObjectID) -> Int { buses[container]?.ids.count ?? 0 }

  /// Whether a device in the container is live. Ends at the first.
  package func holdsLiveDevices(_ container: ObjectID) -> Bool {
    buses[container]?.links.values.contains { plugs[$0].map { isLive($0.device) } ?? false }
      ?? false
  }

  /// What belongs to a session, the oldest first.
  package func objects(of session: SessionID) -> [ObjectID] {
    sessionMarks.keys.filter { sessionMarks[$0]?.session == session }.sorted()
      .map { ObjectID(rawValue: $0) }
  }

  package var objectCount: UInt64 { UInt64(devices.count + containers.count + plugs.count) }

  package func isLive(_ device: ObjectID) -> Bool {
    guard let place = devices.place(of: device.rawValue), devices[at: place].isEnabled else {
      return false
    }
    return plugOfDevice.place(of: device.rawValue) != nil
  }

  /// The rows that go with an object when it goes.
  package func removals(with object: ObjectID) -> [Change] {
    var changes: [Change] = []
    if let place = devices.place(of: object.rawValue), !devices[at: place].isAsMade {
      for key in devices[at: place].values.keys.sorted() {
        changes.append(.removeValue(device: object, attribute: key))
      }
      for key in devices[at: place].facts.keys.sorted() {
        changes.append(.removeFact(device: object, fact: key))
      }
    }
    if refusals.place(of: object.rawValue) != nil {
      changes.append(.removeRefusal(object: object))
    }
    if let place = containers.place(of: object.rawValue), !containers[at: place].allowance.isEmpty {
      changes.append(.removeAllowance(container: object))
    }
    if sessionMarks.place(of: object.rawValue) != nil {
      changes.append(.removeSessionMark(object: object))
    }
    if !ownedNodes.isEmpty, let nodes = ownedNodes[object] {
      for node in nodes.sorted() { changes.append(.removeNodeOwner(node: node)) }
    }
    return changes
  }

  // MARK: Changing

  /// Applies changes in their order. They were checked when they were planned.
  package func apply(_ changes: [Change]) {
    // A span, for to take a change out of an array counts references.
    let changes = changes.span
    for index in changes.indices { apply(changes[index]) }
  }

  private func apply(_ change: Change) {
    switch change {
    case .putDevice(let device): put(device)
    case .removeDevice(let id):
      if let old = devices.remove(id.rawValue) { deviceNames[old.name] = nil }
    case .putContainer(let container): put(container)
    case .removeContainer(let id):
      buses[id] = nil
      if let old = containers.remove(id.rawValue) { containerNames[old.name] = nil }
    case .putPlug(let plug):
      remove(plug: plug.id)
      put(plug)
    case .removePlug(let id): remove(plug: id)
    case .putValue(let id, let attribute, let value):
      alter(id) { $0.values[attribute] = value }
    case .removeValue(let id, let attribute): alter(id) { $0.values[attribute] = nil }
    case .putFact(let id, let fact, let text): alter(id) { $0.facts[fact] = text }
    case .removeFact(let id, let fact): alter(id) { $0.facts[fact] = nil }
    case .putNodeOwner(let node, let owner):
      nodeOwners[node] = owner
      ownedNodes[Self.object(of: node), default: []].insert(node)
    case .removeNodeOwner(let node): forgetOwner(of: node)
    case .putRefusal(let object, let record): refusals[object] = record
    case .removeRefusal(let object): refusals[object] = nil
    case .putAllowance(let id, let allowance): allow(allowance, id)
    case .removeAllowance(let id): allow(Allowance(), id)
    case .putSessionMark(let object, let mark): sessionMarks[object] = mark
    case .removeSessionMark(let object): sessionMarks[object] = nil
    case .putSessionReply(let session, let reply): sessionReplies[session] = reply
    case .removeSessionReply(let session): sessionReplies[session] = nil
    case .putSetting(let name, let setting): settings[name] = setting
    case .putNextID(let id): nextID = id
    }
  }

  private func allow(_ allowance: Allowance, _ container: ObjectID) {
    if let place = containers.place(of: container.rawValue) {
      containers[at: place].allowance = allowance
    }
  }

  private func alter(_ device: ObjectID, _ body: (inout Device) -> Void) {
    if let place = devices.place(of: device.rawValue) { body(&devices[at: place]) }
  }

  private func put(_ device: Device) {
    // The row is the scalars only: values and facts have rows of their own.
    var device = device
    device.values = [:]
    device.facts = [:]
    if let place = devices.place(of: device.id.rawValue) {
      if devices[at: place].name != device.name { deviceNames[devices[at: place].name] = nil }
      swap(&device.values, &devices[at: place].values)
      swap(&device.facts, &devices[at: place].facts)
    }
    deviceNames[device.name] = device.id
    devices[device.id] = device
  }

  private func put(_ container: Container) {
    var container = container
    container.allowance = Allowance()
    if let old = containers[container.id] {
      containerNames[old.name] = nil
      container.allowance = old.allowance
    }
    containers[container.id] = container
    containerNames[container.name] = container.id
    if buses[container.id] == nil { buses[container.id] = Bus() }
  }

  private func put(_ plug: Plug) {
    plugs[plug.id] = plug
    let bus = buses.place(of: plug.container.rawValue, inserting: Bus())
    buses[at: bus].links[plug.linkName] = plug.id
    if let devID = plug.devID {
      buses[at: bus].ids[devID] = plug.id
      plugOfDevice[plug.device] = plug.id
    } else {
      spareOfDevice[plug.device] = plug.id
    }
  }

  private func remove(plug id: ObjectID) {
    guard let old = plugs.remove(id.rawValue) else { return }
    let bus = buses.place(of: old.container.rawValue)
    if let bus, buses[at: bus].links[old.linkName] == id {
      buses[at: bus].links[old.linkName] = nil
    }
    if let devID = old.devID {
      if let bus { buses[at: bus].ids[devID] = nil }
      plugOfDevice[old.device] = nil
    } else {
      spareOfDevice[old.device] = nil
    }
  }

  private func forgetOwner(of node: UInt64) {
    nodeOwners[node] = nil
    let object = Self.object(of: node)
    ownedNodes[object]?.remove(node)
    if ownedNodes[object]?.isEmpty == true { ownedNodes[object] = nil }
  }

  /// A node number is the object's id and 16 bits for the file within it.
  private static func object(of node: UInt64) -> ObjectID { ObjectID(rawValue: node >> 16) }
}
