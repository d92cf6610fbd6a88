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

  package init(id: UInt64, className: String, values: [String: String], offered: UInt64) {
    self.id = id
    self.className = className
    self.values = values
    self.offered = offered
  }

  /// Whether kicks and calls may be messages: an attribute of every class.
  package var hasInBandNotifications: Bool { values["in_band_notifications"] == "1" }
}

/// What control tells an engine. Every connection begins with `hello` and the full state; an epoch
/// is above all earlier ones, and what was said in an earlier one counts no more.
package enum ControlMessage: Sendable, Equatable {
  case hello(epoch: UInt64)
  /// The device shall be served. One that is served already goes on undisturbed; where only
  /// values differ it takes them over, and after a refusal has the old ones.
  case device(DeviceOffer)
  /// The full state has been told: what was not named shall end.
  case complete(epoch: UInt64)
  case stop(id: UInt64)
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
}

extension ControlMessage {
  private enum Kind: UInt8 { case hello = 1, device, complete, stop }

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
        offered: try wire.uint64())
      let pairs = try wire.list { reader throws(WireError) in
        (name: try reader.text(), text: try reader.text())
      }
      for pair in pairs { offer.values[pair.name] = pair.text }
      return .device(offer)
    case .complete: return .complete(epoch: try wire.uint64())
    case .stop: return .stop(id: try wire.uint64())
    case nil: throw WireError()
    }
  }
}

extension EngineMessage {
  private enum Kind: UInt8 { case started = 1, refused, stopped, settled, changed }

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
    case nil: throw WireError()
    }
  }
}

extension WireWriter {
  fileprivate mutating func put(_ kind: UInt8, _ id: UInt64, _ epoch: UInt64) {
    put(kind)
    put(id)
    put(epoch)
  }
}
