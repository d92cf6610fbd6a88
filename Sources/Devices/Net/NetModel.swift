package import Engine
package import LinuxSystem
package import SharedMemory
package import Vbus
internal import VbusLink
package import Virtio

/// A network card's data half (VIRTIO 1.2 section 5.1): two queues of frames, and one of commands.
/// `NetModel+Venet` is its own interface to native clients.
package final class NetModel: DeviceModel {
  package let features: UInt64
  package var queueCount: Int { NetQueue.count }
  package var nativeQueueCount: Int { NetQueue.nativeCount }
  /// Pairs of queues.
  package var queueNumber: Int { 1 }

  private let space: NetConfiguration
  let backend: any NetBackend
  var transmitter: NetTransmitter
  private var receiver: NetReceiver
  private var control = NetControl()
  private var closed = ClosedSink()
  private(set) var acked: FeatureBits = []
  private(set) var isUp: Bool
  private(set) unowned var host: (any DeviceHost)?
  let offer: VenetOffer
  var venet = VenetState()
  var events = VenetEventQueue()
  /// The guest shall tell its neighbours where it is now.
  private var announces = false

  package init(_ setup: DeviceSetup) throws(ModelRefusal) {
    let values = setup.values
    guard let address = Self.address(values["mac"] ?? ""), !isGroup(address) else {
      throw ModelRefusal(.invalid, "the card's mac makes no sense")
    }
    guard let mtu = UInt16(values["mtu"] ?? "1500"), (68...65521).contains(mtu) else {
      throw ModelRefusal(.invalid, "the card's mtu makes no sense")
    }
    guard let speed = UInt32(values["speed"] ?? "0"), speed <= UInt32(Int32.max) else {
      throw ModelRefusal(.invalid, "the card's speed makes no sense")
    }
    let isUp = try Self.isUp(values)
    guard let counters = NetCounters(setup.counters) else {
      throw ModelRefusal(.invalid, "the card came without its counters")
    }
    let backend = try Self.backend(setup, address, counters, isUp: isUp)
    space = NetConfiguration(address: address, mtu: mtu, speed: speed)
    self.isUp = isUp
    self.backend = backend
    transmitter = NetTransmitter(mtu: Int(mtu), counters: counters)
    receiver = NetReceiver(mtu: Int(mtu), counters: counters)
    let features = Self.offered(backend: values["backend"] ?? "", speed: speed)
    self.features = features.rawValue
    offer = VenetOffer(available: features.intersection(FeatureBits(rawValue: setup.offered)))
  }

  private static func backend(
    _ setup: DeviceSetup, _ address: UInt64, _ counters: NetCounters, isUp: Bool
  ) throws(ModelRefusal) -> any NetBackend {
    let name = setup.values["backend"] ?? ""
    switch name {
    case "switch", "loopback":
      return SwitchBackend(
        address: address, isLoop: name == "loopback", isUp: isUp, counters: counters)
    case "tap", "stream":
      guard let descriptor = setup.descriptors.first else {
        throw ModelRefusal(.invalid, "the card came without its host side")
      }
      return name == "tap"
        ? TapBackend(descriptor, isUp: isUp) : StreamBackend(descriptor, isUp: isUp)
    case "null": return NullBackend()
    default: throw ModelRefusal(.invalid, "the card's backend is not known")
    }
  }

  private static func isUp(_ values: [String: String]) throws(ModelRefusal) -> Bool {
    switch values["link"] ?? "up" {
    case "up": return true
    case "down": return false
    default: throw ModelRefusal(.invalid, "the card's link makes no sense")
    }
  }

  /// A MAC address as text, `02:00:00:00:00:01`.
  static func address(_ text: String) -> UInt64? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 6 else { return nil }
    var address: UInt64 = 0
    for part in parts {
      guard part.utf8.count == 2, let byte = UInt8(part, radix: 16) else { return nil }
      address = address << 8 | UInt64(byte)
    }
    return address
  }

  /// A stream has no header that could say what is left to do.
  private static func offered(backend: String, speed: UInt32) -> FeatureBits {
    var offered: FeatureBits = .splitRing
    offered.formUnion([
      .netMTU, .netMAC, .netMergeableBuffers, .netStatus, .netControlQueue, .netGuestAnnounce,
    ])
    if speed != 0 { offered.insert(.netSpeedDuplex) }
    if backend != "stream" { offered.formUnion(.netOffloads) }
    return offered
  }

  package var configuration: [UInt8] { space.bytes(isUp: isUp, announces: announces) }

  /// 5.1.4: no field is the driver's to write.
  package func writeConfiguration(at offset: Int, _ bytes: [UInt8]) -> Bool { false }

  package func negotiated(_ features: UInt64) {
    agree(FeatureBits(rawValue: features))
    backend.attach(acked)
  }

  package func resumed(_ features: UInt64) {
    agree(FeatureBits(rawValue: features))
    backend.resume(acked)
  }

  func agree(_ features: FeatureBits, _ framing: NetFraming = .virtio) {
    acked = features
    transmitter.negotiated(features, framing)
    receiver.negotiated(features, framing)
  }

  package func reset() {
    announces = false
    venet = VenetState()
    events.removeAll()
    agree([])
    backend.detach()
  }

  package func begin(on host: any DeviceHost) {
    self.host = host
    backend.begin(on: host)
  }

  package func end() {
    backend.end()
    host = nil
  }

  /// Only the link changes while a guest is there.
  package func update(
    _ values: [String: String], _ descriptors: [Descriptor]
  ) throws(ModelRefusal) {
    let isUp = try Self.isUp(values)
    guard isUp != self.isUp else { return }
    self.isUp = isUp
    // 5.1.6.5.4: whoever was moved tells the others.
    announces = isUp && acked.contains(.netGuestAnnounce)
    backend.setLink(isUp: isUp)
    tellLink()
  }

  // MARK: Queues

  package func flow(ofQueue index: Int) -> Flow? {
    switch index {
    case NetQueue.receive, NetQueue.events: .fromDevice
    case NetQueue.transmit: .toDevice
    default: nil
    }
  }

  package func serve(
    queue index: Int, _ ring: inout SplitRing, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress {
    switch index {
    case NetQueue.receive:
      return try backend.receive(&receiver, &ring, memory, budget: budget)
    case NetQueue.transmit where isUp:
      defer { tellTransmitted() }
      return try backend.transmit(&transmitter, &ring, memory, budget: budget)
    default: return try serveAlone(index, &ring, memory, budget: budget)
    }
  }

  package func serve(
    queue index: Int, _ ring: inout IoqRing, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress {
    switch index {
    case NetQueue.receive:
      return try backend.receive(&receiver, &ring, memory, budget: budget)
    case NetQueue.transmit where isUp:
      defer { tellTransmitted() }
      return try backend.transmit(&transmitter, &ring, memory, budget: budget)
    default: return try serveAlone(index, &ring, memory, budget: budget)
    }
  }

  /// Serves what no backend has to do with.
  private func serveAlone<R: Ring & ~Copyable>(
    _ index: Int, _ ring: inout R, _ memory: GuestMemory, budget: Int
  ) throws(RingFault) -> Progress {
    switch index {
    case NetQueue.transmit:
      defer { tellTransmitted() }
      return try transmitter.serve(&ring, memory, budget: budget, to: &closed)
    case NetQueue.control:
      var acknowledged = false
      defer { if acknowledged { announces = false } }
      return try control.serve(&ring, memory, budget: budget, acknowledged: &acknowledged)
    default:
      let pool = host?.sharedBytes(VenetShare.eventPool)
      return try events.serve(&ring, memory, budget: budget, pool: pool)
    }
  }
}
