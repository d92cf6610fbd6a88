import EngineLink
import Testing

@Suite("Messages between control and engine")
struct MessageTests {
  static let offer = DeviceOffer(
    id: .max, className: "blk", values: ["serial": "ä\n\0", "path": "", "": "x"],
    offered: 0x1_0000_0040, devID: .max, interfaceType: "virtio-blk", virtioID: 2)
  static let container = ContainerOffer(
    uid: 1, gid: 2, permissions: 0o755, allowedUsers: [3, .max], allowedGroups: [4])

  static let ofControl: [ControlMessage] = [
    .hello(epoch: 0), .hello(epoch: .max), .device(offer), .complete(epoch: 7), .stop(id: 9),
    .container(container), .container(ContainerOffer(uid: 0, gid: 0, permissions: 0)),
    .revoke(id: 9), .retire(epoch: 7),
  ]
  static let ofEngine: [EngineMessage] = [
    .started(id: 1, epoch: 2), .refused(id: 3, epoch: 4, errno: -5, reason: "no"),
    .stopped(id: .max, epoch: 6), .settled(epoch: 8), .changed(id: 10),
    .members([]), .members([Member(pid: 1, uid: 2, gid: 3, since: .max, openCount: 5)]),
    .retired(epoch: 9), .lingering([]), .lingering([1, .max]),
  ]

  @Test("What control says is heard as it was said", arguments: ofControl)
  func control(_ message: ControlMessage) { #expect(ControlMessage(message.bytes) == message) }

  @Test("What an engine says is heard as it was said", arguments: ofEngine)
  func engine(_ message: EngineMessage) { #expect(EngineMessage(message.bytes) == message) }

  @Test("The same offer is the same bytes, whatever the order of its values")
  func sameBytes() {
    var other = Self.offer
    other.values = [:]
    for (name, text) in Self.offer.values.reversed() { other.values[name] = text }
    #expect(ControlMessage.device(other).bytes == ControlMessage.device(Self.offer).bytes)
  }

  @Test("A message of control that ends too early is refused", arguments: ofControl)
  func cutControl(_ message: ControlMessage) {
    let bytes = message.bytes
    #expect(bytes.indices.allSatisfy { ControlMessage(Array(bytes.prefix($0))) == nil })
  }

  @Test("A message of an engine that ends too early is refused", arguments: ofEngine)
  func cutEngine(_ message: EngineMessage) {
    let bytes = message.bytes
    #expect(bytes.indices.allSatisfy { EngineMessage(Array(bytes.prefix($0))) == nil })
  }

  @Test("A message of control of an unknown kind is refused", arguments: [0, 8, 9, 255] as [UInt8])
  func unknownKind(_ kind: UInt8) {
    #expect(ControlMessage([kind] + [UInt8](repeating: 0, count: 64)) == nil)
  }

  @Test("A message of an engine of an unknown kind is refused", arguments: [0, 9, 255] as [UInt8])
  func unknownKindOfEngine(_ kind: UInt8) {
    #expect(EngineMessage([kind] + [UInt8](repeating: 0, count: 64)) == nil)
  }

  @Test("A list or text that announces more than there is, is refused")
  func announcesTooMuch() {
    let head = ControlMessage.device(
      DeviceOffer(id: 1, className: "", values: [:], offered: 0)
    ).bytes.dropLast(4)
    #expect(ControlMessage(head + [0xff, 0xff, 0xff, 0xff]) == nil)
    #expect(ControlMessage(head + [1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]) == nil)
  }

  @Test("Random bytes are heard as a message or refused, and never more")
  func random() {
    var state: UInt64 = 1
    for count in 0..<4000 {
      let bytes = (0..<count % 80).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(state >> 57)
      }
      let control = ControlMessage(bytes)
      #expect(control.flatMap { ControlMessage($0.bytes) } == control)
      let engine = EngineMessage(bytes)
      #expect(engine.flatMap { EngineMessage($0.bytes) } == engine)
    }
  }
}
