internal import FuseMount
internal import Model

/// A file of a device's directory tree.
enum DeviceNode: Hashable {
  case file(DeviceFile)
  /// By place in the class's tables.
  case attribute(Int)
  case counter(Int)
  /// By number of the bit.
  case bit(Int)
  case queue(Int, QueueFile)
}

/// A file below `classes/<class>`.
enum ClassNode: Hashable {
  case file(ClassFile)
  case attribute(Int, AttributeFile)
  case feature(bit: Int)
}

/// A file of the tree, as what it means. Its number is its object's id and a slot of 16 bits, so
/// that there is nothing to look up and a number is right after a restart.
enum Node: Hashable {
  case fixed(FixedFile)
  /// By place in the catalogue.
  case ofClass(Int, ClassNode)
  case device(ObjectID, DeviceNode)
  case container(ObjectID, ContainerFile)
  case plug(ObjectID, PlugFile)
  /// A process that is attached to a container, by a number of its own.
  case member(ObjectID, MemberFile)

  var object: ObjectID {
    switch self {
    case .fixed, .ofClass: .tree
    case .device(let id, _), .container(let id, _), .plug(let id, _), .member(let id, _): id
    }
  }

  var id: NodeID { NodeID(rawValue: object.rawValue << 16 | UInt64(slot)) }

  private var slot: UInt16 {
    switch self {
    case .fixed(let file): file.rawValue
    case .ofClass(let place, let node):
      Self.classBase + UInt16(place) * Self.classStride + node.slot
    case .device(_, let node): node.slot
    case .container(_, let file): file.rawValue
    case .plug(_, let file): file.rawValue
    case .member(_, let file): file.rawValue
    }
  }

  // Classes share object 0 with the fixed files.
  private static let classBase: UInt16 = 256
  private static let classStride: UInt16 = 512

  /// The numbers of all nodes that an object can have.
  static func nodes(of object: ObjectID) -> ClosedRange<NodeID> {
    let first = object.rawValue << 16
    return NodeID(rawValue: first)...NodeID(rawValue: first | 0xffff)
  }

  static func object(of id: NodeID) -> ObjectID { ObjectID(rawValue: id.rawValue >> 16) }
  static func slot(of id: NodeID) -> UInt16 { UInt16(truncatingIfNeeded: id.rawValue) }

  /// The node of object 0 with this slot.
  static func ofTree(slot: UInt16) -> Node? {
    if let file = FixedFile(rawValue: slot) { return .fixed(file) }
    guard slot >= classBase else { return nil }
    let (place, rest) = (slot - classBase).quotientAndRemainder(dividingBy: classStride)
    return ClassNode(slot: rest).map { .ofClass(Int(place), $0) }
  }
}

extension ClassNode {
  private static let attributeBase: UInt16 = 8
  private static let attributeStride: UInt16 = 8
  private static let featureBase: UInt16 = 400

  var slot: UInt16 {
    switch self {
    case .file(let file): file.rawValue
    case .attribute(let place, let file):
      Self.attributeBase + UInt16(place) * Self.attributeStride + file.rawValue
    case .feature(let bit): Self.featureBase + UInt16(bit)
    }
  }

  init?(slot: UInt16) {
    if slot >= Self.featureBase {
      self = .feature(bit: Int(slot - Self.featureBase))
    } else if slot >= Self.attributeBase {
      let (place, rest) = (slot - Self.attributeBase)
        .quotientAndRemainder(dividingBy: Self.attributeStride)
      guard let file = AttributeFile(rawValue: rest) else { return nil }
      self = .attribute(Int(place), file)
    } else {
      guard let file = ClassFile(rawValue: slot) else { return nil }
      self = .file(file)
    }
  }
}

extension DeviceNode {
  private static let attributeBase: UInt16 = 1024
  private static let bitBase: UInt16 = 2048
  private static let counterBase: UInt16 = 4096
  private static let queueBase: UInt16 = 8192
  private static let queueStride: UInt16 = 8
  private static let queueEnd: UInt16 = queueBase + queueStride * queueCountMax
  /// No class has more queues, which is the most the slots have room for.
  static let queueCountMax: UInt16 = 1024

  var slot: UInt16 {
    switch self {
    case .file(let file): file.rawValue
    case .attribute(let place): Self.attributeBase + UInt16(place)
    case .bit(let bit): Self.bitBase + UInt16(bit)
    case .counter(let place): Self.counterBase + UInt16(place)
    case .queue(let index, let file):
      Self.queueBase + UInt16(index) * Self.queueStride + file.rawValue
    }
  }

  init?(slot: UInt16) {
    switch slot {
    case Self.attributeBase..<Self.bitBase: self = .attribute(Int(slot - Self.attributeBase))
    case Self.bitBase..<Self.counterBase: self = .bit(Int(slot - Self.bitBase))
    case Self.counterBase..<Self.queueBase: self = .counter(Int(slot - Self.counterBase))
    case Self.queueBase..<Self.queueEnd:
      let (index, rest) = (slot - Self.queueBase).quotientAndRemainder(
        dividingBy: Self.queueStride)
      guard let file = QueueFile(rawValue: rest) else { return nil }
      self = .queue(Int(index), file)
    default:
      guard let file = DeviceFile(rawValue: slot) else { return nil }
      self = .file(file)
    }
  }
}
