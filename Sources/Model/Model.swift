/// What people configured: devices, containers, and which is plugged into which.
///
/// It changes by `apply` alone, so a model is the sum of the changes it was given: replaying the
/// stored ones gives the same model again. All look-ups cost the same however many objects exist.
package struct Model: Hashable, Sendable {
  package private(set) var devices: [ObjectID: Device] = [:]
  package private(set) var containers: [ObjectID: Container] = [:]
  package private(set) var plugs: [ObjectID: Plug] = [:]
  package private(set) var refusals: [ObjectID: RefusalRecord] = [:]
  package private(set) var nodeOwners: [UInt64: NodeOwner] = [:]
  package private(set) var nextID = ObjectID(rawValue: 1)

  // Indices: they follow from the rows above.
  private var deviceNames: [Name: ObjectID] = [:]
  private var containerNames: [Name: ObjectID] = [:]
  private var buses: [ObjectID: Bus] = [:]
  /// The plug with a dev-id of each device that is plugged in.
  private var plugOfDevice: [ObjectID: ObjectID] = [:]
  private var spareOfDevice: [ObjectID: ObjectID] = [:]
  private var ownedNodes: [ObjectID: Set<UInt64>] = [:]

  /// What is plugged into one container.
  private struct Bus: Hashable {
    var links: [Name: ObjectID] = [:]
    var ids: [DevID: ObjectID] = [:]
  }

  /// A bound on devices, containers and links together. A thousand times what a machine runs.
  package static let objectCountMax: UInt64 = 1_000_000

  package init() {}

  package init(replaying changes: [Change]) { apply(changes) }

  // MARK: Looking

  package func device(named name: Name) -> Device? { deviceNames[name].flatMap { devices[$0] } }

  package func container(named name: Name) -> Container? {
    containerNames[name].flatMap { containers[$0] }
  }

  package func plug(linked name: Name, in container: ObjectID) -> Plug? {
    buses[container]?.links[name].flatMap { plugs[$0] }
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

  package var objectCount: UInt64 { UInt64(devices.count + containers.count + plugs.count) }

  package func isLive(_ device: ObjectID) -> Bool {
    devices[device]?.isEnabled == true && plugOfDevice[device] != nil
  }

  /// The rows that go with an object when it goes.
  package func removals(with object: ObjectID) -> [Change] {
    var changes: [Change] = []
    if let device = devices[object] {
      changes += device.values.keys.sorted().map { .removeValue(device: object, attribute: $0) }
      changes += device.facts.keys.sorted().map { .removeFact(device: object, fact: $0) }
    }
    if refusals[object] != nil { changes.append(.removeRefusal(object: object)) }
    changes += (ownedNodes[object] ?? []).sorted().map { .removeNodeOwner(node: $0) }
    return changes
  }

  // MARK: Changing

  package mutating func apply(_ changes: [Change]) {
    for change in changes { apply(change) }
  }

  private mutating func apply(_ change: Change) {
    switch change {
    case .putDevice(let device): put(device)
    case .removeDevice(let id):
      if let old = devices.removeValue(forKey: id) { deviceNames[old.name] = nil }
    case .putContainer(let container): put(container)
    case .removeContainer(let id):
      buses[id] = nil
      if let old = containers.removeValue(forKey: id) { containerNames[old.name] = nil }
    case .putPlug(let plug):
      remove(plug: plug.id)
      put(plug)
    case .removePlug(let id): remove(plug: id)
    case .putValue(let id, let attribute, let value): devices[id]?.values[attribute] = value
    case .removeValue(let id, let attribute): devices[id]?.values[attribute] = nil
    case .putFact(let id, let fact, let text): devices[id]?.facts[fact] = text
    case .removeFact(let id, let fact): devices[id]?.facts[fact] = nil
    case .putNodeOwner(let node, let owner):
      nodeOwners[node] = owner
      ownedNodes[Self.object(of: node), default: []].insert(node)
    case .removeNodeOwner(let node): forgetOwner(of: node)
    case .putRefusal(let object, let record): refusals[object] = record
    case .removeRefusal(let object): refusals[object] = nil
    case .putNextID(let id): nextID = id
    }
  }

  private mutating func put(_ device: Device) {
    var device = device
    if let old = devices[device.id] {
      deviceNames[old.name] = nil
      // The row is the scalars only: values and facts have rows of their own.
      device.values = old.values
      device.facts = old.facts
    } else {
      device.values = [:]
      device.facts = [:]
    }
    devices[device.id] = device
    deviceNames[device.name] = device.id
  }

  private mutating func put(_ container: Container) {
    if let old = containers[container.id] { containerNames[old.name] = nil }
    containers[container.id] = container
    containerNames[container.name] = container.id
    if buses[container.id] == nil { buses[container.id] = Bus() }
  }

  private mutating func put(_ plug: Plug) {
    plugs[plug.id] = plug
    buses[plug.container, default: Bus()].links[plug.linkName] = plug.id
    if let devID = plug.devID {
      buses[plug.container]?.ids[devID] = plug.id
      plugOfDevice[plug.device] = plug.id
    } else {
      spareOfDevice[plug.device] = plug.id
    }
  }

  private mutating func remove(plug id: ObjectID) {
    guard let old = plugs.removeValue(forKey: id) else { return }
    if buses[old.container]?.links[old.linkName] == id {
      buses[old.container]?.links[old.linkName] = nil
    }
    if let devID = old.devID {
      buses[old.container]?.ids[devID] = nil
      plugOfDevice[old.device] = nil
    } else {
      spareOfDevice[old.device] = nil
    }
  }

  private mutating func forgetOwner(of node: UInt64) {
    nodeOwners[node] = nil
    let object = Self.object(of: node)
    ownedNodes[object]?.remove(node)
    if ownedNodes[object]?.isEmpty == true { ownedNodes[object] = nil }
  }

  /// A node number is the object's id and 16 bits for the file within it.
  private static func object(of node: UInt64) -> ObjectID { ObjectID(rawValue: node >> 16) }
}
