internal import LinuxSystem

/// A device as it travels to its engine: its class and its texts. With it travel the descriptors
/// of its listener, its record, and its host side, in this order.
package struct DeviceOffer: Sendable, Equatable {
  /// The device's number, which no other device ever had.
  package var id: UInt64
  package var className: String
  /// The class's attributes with what opening the host side found out, by key.
  package var values: [String: String]
  /// The virtio feature bits that may be offered to a guest.
  package var offered: UInt64
  /// The container's own number for the device, by which native clients open it.
  package var devID: UInt32
  /// The interface type that native clients match drivers by.
  package var interfaceType: String
  /// The device id of VIRTIO 1.2 section 5.
  package var virtioID: UInt32

  package init(
    id: UInt64, className: String, values: [String: String], offered: UInt64, devID: UInt32 = 0,
    interfaceType: String = "", virtioID: UInt32 = 0
  ) {
    self.id = id
    self.className = className
    self.values = values
    self.offered = offered
    self.devID = devID
    self.interfaceType = interfaceType
    self.virtioID = virtioID
  }

  /// Whether kicks and calls may be messages: an attribute of every class.
  package var hasInBandNotifications: Bool { values["in_band_notifications"] == "1" }
}

/// A container as its engine has to know it. With it travels the listener of its socket.
package struct ContainerOffer: Sendable, Equatable {
  /// Who may attach: owner and mode bits of the container's directory, of which the right to write
  /// counts.
  package var uid: UInt32
  package var gid: UInt32
  package var permissions: UInt32
  /// Who may besides: users and groups.
  package var allowedUsers: [UInt32]
  package var allowedGroups: [UInt32]

  package init(
    uid: UInt32, gid: UInt32, permissions: UInt32, allowedUsers: [UInt32] = [],
    allowedGroups: [UInt32] = []
  ) {
    self.uid = uid
    self.gid = gid
    self.permissions = permissions
    self.allowedUsers = allowedUsers
    self.allowedGroups = allowedGroups
  }
}

/// A native client that is attached to a container.
package struct Member: Sendable, Equatable {
  /// Of the process that connected, as the kernel knew it then.
  package var pid: Int32
  package var uid: UInt32
  package var gid: UInt32
  /// When it attached, nanoseconds since 1970.
  package var since: UInt64
  /// How many devices it has open.
  package var openCount: UInt32

  package init(pid: Int32, uid: UInt32, gid: UInt32, since: UInt64, openCount: UInt32) {
    self.pid = pid
    self.uid = uid
    self.gid = gid
    self.since = since
    self.openCount = openCount
  }
}

/// What control tells an engine. Every connection begins with `hello` and the full state; an epoch
/// is above all earlier ones, and what was said in an earlier one counts no more.
package enum ControlMessage: Sendable, Equatable {
  case hello(epoch: UInt64)
  /// Who may attach, from here on. Comes after `hello`, and again when it changes.
  case container(ContainerOffer)
  /// The device shall be served. One that is served already goes on undisturbed; where only
  /// values differ it takes them over, and after a refusal has the old ones.
  case device(DeviceOffer)
  /// The full state has been told: what was not named shall end.
  case complete(epoch: UInt64)
  /// The device shall not be served, and is announced no more. A native client that has it open
  /// keeps it until it closes it, or until the device is revoked.
  case stop(id: UInt64)
  /// Nobody shall have the device any longer: its host side is about to close.
  case revoke(id: UInt64)
  /// Answer `retired` and accept nobody more, if there is neither a device nor a client.
  case retire(epoch: UInt64)
}

/// What an engine tells control. The epoch is the one it answers in.
package enum EngineMessage: Sendable, Equatable {
  case started(id: UInt64, epoch: UInt64)
  /// The device cannot be served: an errno and a sentence.
  case refused(id: UInt64, epoch: UInt64, errno: Int32, reason: String)
  case stopped(id: UInt64, epoch: UInt64)
  /// Everything up to `complete` is done.
  case settled(epoch: UInt64)
  /// The device's record shows something new.
  case changed(id: UInt64)
  /// All native clients that are attached, whenever that changes, and in every epoch.
  case members([Member])
  /// There is neither a device nor a client, and nobody is accepted any more.
  case retired(epoch: UInt64)
  /// All devices that were stopped and that a native client still has open; before `settled`.
  case lingering([UInt64])
}

extension ControlMessage {
  private enum Kind: UInt8 { case hello = 1, device, complete, stop, container, revoke, retire }

  package var bytes: [UInt8] {
    var wire = WireWriter()
    switch self {
    case .hello(let epoch):
      wire.put(Kind.hello.rawValue)
      wire.put(epoch)
    case .device(let offer):
      wire.put(Kind.device.rawValue)
      wire.put(offer.id)
      wire.put(offer.className)
      wire.put(offer.offered)
      wire.put(offer.devID)
      wire.put(offer.interfaceType)
      wire.put(offer.virtioID)
      wire.put(offer.values.sorted { $0.key < $1.key }) { writer, value in
        writer.put(value.key)
        writer.put(value.value)
      }
    case .complete(let epoch):
      wire.put(Kind.complete.rawValue)
      wire.put(epoch)
    case .stop(let id):
      wire.put(Kind.stop.rawValue)
      wire.put(id)
    case .container(let offer):
      wire.put(Kind.container.rawValue)
      for number in [offer.uid, offer.gid, offer.permissions] { wire.put(number) }
      wire.put(offer.allowedUsers) { $0.put($1) }
      wire.put(offer.allowedGroups) { $0.put($1) }
    case .revoke(let id):
      wire.put(Kind.revoke.rawValue)
      wire.put(id)
    case .retire(let epoch):
      wire.put(Kind.retire.rawValue)
      wire.put(epoch)
    }
    return wire.bytes
  }

  /// Refuses what is no such message with `nil`.
  package init?(_ bytes: [UInt8]) {
    guard let message = try? Self.read(bytes) else { return nil }
    self = message
  }

  private static func read(_ bytes: [UInt8]) throws(WireError) -> ControlMessage {
    var wire = WireReader(bytes)
    switch Kind(rawValue: try wire.byte()) {
    case .hello: return .hello(epoch: try wire.uint64())
    case .device:
      var offer = DeviceOffer(
        id: try wire.uint64(), className: try wire.text(), values: [:],
        offered: try wire.uint64(), devID: try wire.uint32(), interfaceType: try wire.text(),
        virtioID: try wire.uint32())
      let pairs = try wire.list { reader throws(WireError) in
        (name: try reader.text(), text: try reader.text())
      }
      for pair in pairs { offer.values[pair.name] = pair.text }
      return .device(offer)
    case .complete: return .complete(epoch: try wire.uint64())
    case .stop: return .stop(id: try wire.uint64())
    case .container:
      return .container(
        ContainerOffer(
          uid: try wire.uint32(), gid: try wire.uint32(), permissions: try wire.uint32(),
          allowedUsers: try wire.list { reader throws(WireError) in try reader.uint32() },
          allowedGroups: try wire.list { reader throws(WireError) in try reader.uint32() }))
    case .revoke: return .revoke(id: try wire.uint64())
    case .retire: return .retire(epoch: try wire.uint64())
    case nil: throw WireError()
    }
  }
}

extension EngineMessage {
  private enum Kind: UInt8 {
    case started = 1, refused, stopped, settled, changed, members, retired, lingering
  }

  package var bytes: [UInt8] {
    var wire = WireWriter()
    switch self {
    case .started(let id, let epoch): wire.put(Kind.started.rawValue, id, epoch)
    case .refused(let id, let epoch, let errno, let reason):
      wire.put(Kind.refused.rawValue, id, epoch)
      wire.put(errno)
      wire.put(reason)
    case .stopped(let id, let epoch): wire.put(Kind.stopped.rawValue, id, epoch)
    case .settled(let epoch): wire.put(Kind.settled.rawValue, 0, epoch)
    case .changed(let id): wire.put(Kind.changed.rawValue, id, 0)
    case .members(let members):
      wire.put(Kind.members.rawValue, 0, 0)
      wire.put(members) { $0.put($1) }
    case .retired(let epoch): wire.put(Kind.retired.rawValue, 0, epoch)
    case .lingering(let ids):
      wire.put(Kind.lingering.rawValue, 0, 0)
      wire.put(ids) { $0.put($1) }
    }
    return wire.bytes
  }

  /// Refuses what is no such message with `nil`.
  package init?(_ bytes: [UInt8]) {
    guard let message = try? Self.read(bytes) else { return nil }
    self = message
  }

  private static func read(_ bytes: [UInt8]) throws(WireError) -> EngineMessage {
    var wire = WireReader(bytes)
    let kind = Kind(rawValue: try wire.byte())
    let id = try wire.uint64()
    let epoch = try wire.uint64()
    switch kind {
    case .started: return .started(id: id, epoch: epoch)
    case .refused:
      return .refused(id: id, epoch: epoch, errno: try wire.int32(), reason: try wire.text())
    case .stopped: return .stopped(id: id, epoch: epoch)
    case .settled: return .settled(epoch: epoch)
    case .changed: return .changed(id: id)
    case .members:
      return .members(try wire.list { reader throws(WireError) in try reader.member() })
    case .retired: return .retired(epoch: epoch)
    case .lingering:
      return .lingering(try wire.list { reader throws(WireError) in try reader.uint64() })
    case nil: throw WireError()
    }
  }
}

extension WireReader {
  fileprivate mutating func member() throws(WireError) -> Member {
    Member(
      pid: try int32(), uid: try uint32(), gid: try uint32(), since: try uint64(),
      openCount: try uint32())
  }
}

extension WireWriter {
  fileprivate mutating func put(_ member: Member) {
    put(member.pid)
    put(member.uid)
    put(member.gid)
    put(member.since)
    put(member.openCount)
  }

  fileprivate mutating func put(_ kind: UInt8, _ id: UInt64, _ epoch: UInt64) {
    put(kind)
    put(id)
    put(epoch)
  }
}
