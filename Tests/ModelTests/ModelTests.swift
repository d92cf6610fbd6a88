import Model
import Testing

@Suite("The model is the sum of its changes")
struct ModelTests {
  private let owner = Owner(uid: 0, gid: 0, permissions: 0o755)

  private func device(_ id: UInt64, _ name: String) throws -> Device {
    Device(
      id: ObjectID(rawValue: id), name: try Name(name), className: "blk", owner: owner, changed: 1)
  }

  @Test("A put with the same key replaces the row and keeps the device's values")
  func replace() throws {
    let model = Model()
    let value = StoredValue(
      text: "1", writer: Credentials(uid: 0, gid: 0, groups: []), changed: 1)
    var disk = try device(1, "a")
    model.apply([
      .putDevice(disk), .putValue(device: disk.id, attribute: "read_only", value: value),
    ])
    disk.name = try Name("b")
    model.apply([.putDevice(disk)])
    #expect(try model.device(named: Name("a")) == nil)
    #expect(try model.device(named: Name("b")) == disk.id)
    #expect(model.devices[disk.id]?.values["read_only"] == value)
  }

  @Test("A replay of rows in another order gives an equal model")
  func replay() throws {
    let container = Container(
      id: ObjectID(rawValue: 2), name: try Name("x"), owner: owner, nextDevID: 1, changed: 1)
    let plug = Plug(
      id: ObjectID(rawValue: 3), container: container.id, device: ObjectID(rawValue: 1),
      devID: DevID(rawValue: 0), linkName: try Name("l"), changed: 1)
    let changes: [Change] = [
      .putDevice(try device(1, "a")), .putContainer(container), .putPlug(plug),
      .putNextID(ObjectID(rawValue: 4)),
    ]
    let model = Model(replaying: changes)
    #expect(model == Model(replaying: changes.reversed()))
    try model.checkInvariants()
  }

  @Test("A row of an object that is gone is a flaw")
  func rowOfNobody() throws {
    let model = Model(replaying: [.putNodeOwner(node: 5 << 16, owner: NodeOwner(uid: 1))])
    #expect(throws: Model.Flaw.rowOfNobody(ObjectID(rawValue: 5))) { try model.checkInvariants() }
  }

  @Test("A link without its device is a flaw")
  func plugWithoutDevice() throws {
    let plug = Plug(
      id: ObjectID(rawValue: 1), container: ObjectID(rawValue: 2), device: ObjectID(rawValue: 3),
      devID: nil, linkName: try Name("l"), changed: 1)
    let model = Model(replaying: [.putPlug(plug), .putNextID(ObjectID(rawValue: 9))])
    #expect(throws: Model.Flaw.plugWithoutDevice(plug.id)) { try model.checkInvariants() }
  }

  @Test("An id that was not yet given is a flaw")
  func idNotGiven() throws {
    let model = Model(replaying: [.putDevice(try device(7, "a"))])
    #expect(throws: Model.Flaw.idNotYetGiven(ObjectID(rawValue: 7))) {
      try model.checkInvariants()
    }
  }

  @Test("Groups survive their text form")
  func groups() {
    let credentials = Credentials(uid: 1, gid: 2, groups: [4, 24, 27])
    #expect(
      Credentials(uid: 1, gid: 2, groupsText: credentials.groupsText) == credentials)
  }
}
