internal import Devices
internal import LinuxSystem
internal import Model

/// What control asks a helper: to open a device's host side with somebody's rights.
struct HostRequest: Equatable {
  var className: String
  var values: [String: String]
  var rights: Credentials
  /// Of those who wrote other values that the opening depends on.
  var otherRights: [Credentials]
  /// The file system of our own mount, into which no path may lead.
  var forbiddenFileSystem: UInt64
  /// The host side is open, its descriptors came along, and it shall follow the values.
  var isAdjustment = false

  init(
    className: String, values: [String: String], rights: Credentials, otherRights: [Credentials],
    forbiddenFileSystem: UInt64
  ) {
    self.className = className
    self.values = values
    self.rights = rights
    self.otherRights = otherRights
    self.forbiddenFileSystem = forbiddenFileSystem
  }

  var bytes: [UInt8] {
    var wire = WireWriter()
    wire.put(className)
    wire.put(values)
    wire.put(rights)
    wire.put(otherRights) { $0.put($1) }
    wire.put(forbiddenFileSystem)
    wire.put(UInt8(isAdjustment ? 1 : 0))
    return wire.bytes
  }

  init(_ bytes: [UInt8]) throws(WireError) {
    var wire = WireReader(bytes)
    className = try wire.text()
    values = try wire.texts()
    rights = try wire.credentials()
    otherRights = try wire.list { reader throws(WireError) in try reader.credentials() }
    forbiddenFileSystem = try wire.uint64()
    isAdjustment = try wire.byte() != 0
  }
}

/// What the helper answers. The descriptors of an opening travel with it.
enum HostReply {
  case opened(facts: [String: String])
  case refused(HostRefusal)

  var bytes: [UInt8] {
    var wire = WireWriter()
    switch self {
    case .opened(let facts):
      wire.put(UInt8(1))
      wire.put(facts)
    case .refused(let refusal):
      wire.put(UInt8(2))
      wire.put(refusal.errno)
      wire.put(refusal.reason)
      wire.put(refusal.accepted)
    }
    return wire.bytes
  }

  init(_ bytes: [UInt8]) throws(WireError) {
    var wire = WireReader(bytes)
    switch try wire.byte() {
    case 1: self = .opened(facts: try wire.texts())
    case 2:
      self = .refused(
        HostRefusal(
          errno: try wire.int32(), reason: try wire.text(), accepted: try wire.text()))
    default: throw WireError()
    }
  }
}

extension WireWriter {
  fileprivate mutating func put(_ rights: Credentials) {
    put(rights.uid)
    put(rights.gid)
    put(rights.groups) { $0.put($1) }
  }

  fileprivate mutating func put(_ texts: [String: String]) {
    put(texts.sorted { $0.key < $1.key }) { writer, pair in
      writer.put(pair.key)
      writer.put(pair.value)
    }
  }
}

extension WireReader {
  fileprivate mutating func credentials() throws(WireError) -> Credentials {
    Credentials(
      uid: try uint32(), gid: try uint32(),
      groups: try list { reader throws(WireError) in try reader.uint32() })
  }

  fileprivate mutating func texts() throws(WireError) -> [String: String] {
    let pairs = try list { reader throws(WireError) in
      (key: try reader.text(), value: try reader.text())
    }
    var texts: [String: String] = [:]
    for pair in pairs { texts[pair.key] = pair.value }
    return texts
  }
}
