package import Model
internal import VbusLink

/// A network card (VIRTIO 1.2 section 5.1), which native clients may use by its own interface too.
package let netClass = DeviceClass(
  name: "net", interfaceType: VenetFunction.interfaceType, virtioID: 1,
  description: """
    A network card, on a switch of its container, a tap interface of the host or a UNIX socket.
    """,
  attributes: netGuestSide + netHostSide,
  features: netFeatures,
  counters: [
    CounterSpec("rx_packets", help: "Frames the guest received."),
    CounterSpec("rx_bytes", help: "Bytes of these frames, Ethernet header included."),
    CounterSpec("rx_dropped", help: "Frames for which the guest had no room, or no link."),
    CounterSpec("rx_errors", help: "Frames that no buffer of the guest could take."),
    CounterSpec("tx_packets", help: "Frames the guest sent."),
    CounterSpec("tx_bytes", help: "Bytes of these frames, Ethernet header included."),
    CounterSpec("tx_dropped", help: "Frames for which the host had no room, or the card no link."),
    CounterSpec("tx_errors", help: "Frames too short, too long, or with a header that lies."),
  ],
  // receiveq1, transmitq1, controlq (VIRTIO 1.2 section 5.1.2).
  queueCount: { _ in 3 },
  // And the events of its own interface.
  nativeQueueCount: { _ in 4 },
  offerable: netOfferable,
  validate: { (values) throws(Refusal) in try validateNet(values) },
  uniqueAttributes: ["mac"],
  qemuArguments: netArgumentsOfQEMU,
  qemuRemark: "; version 7.2 without KVM needs vectors=0 in -device, or it crashes",
  testpmdArguments: { path, values in
    "net_virtio_user0,path=\(path),mac=\(values["mac"] ?? ""),queues=1"
  }
)

/// What the guest sees.
private let netGuestSide = [
  AttributeSpec(
    "mac", .mac(mayBeEmpty: false), default: "random", window: .untilOpen,
    initial: drawMACAddress,
    help: """
      The card's address. A new device draws one that no manufacturer gives out; random draws \
      anew. Live cards of one container have different ones.
      """),
  AttributeSpec(
    "mtu", .number(68...65521), default: "1500", window: .offline, unit: "bytes",
    help: "The largest packet, without Ethernet header. The guest is told; a tap gets it too."),
  AttributeSpec(
    "link", .choice(["up", "down"]), default: "up", window: .live,
    help: "Whether the cable is in. While it is down frames of both directions are dropped."),
  AttributeSpec(
    "speed", .number(0...UInt64(Int32.max)), default: "0", window: .untilOpen, unit: "Mb/s",
    help: "The speed the guest is told, with full duplex. Nothing is slowed down. 0: not told."),
  AttributeSpec(
    "num_queue_pairs", .number(1...1), default: "1",
    help: "How many pairs of queues the guest may use."),
]

/// Where the frames go.
private let netHostSide = [
  AttributeSpec(
    "backend", .choice(["switch", "tap", "stream", "loopback", "null"]), default: "switch",
    help: """
      Where the frames go. switch: to the other cards of the container whose backend is switch. \
      tap: to a tap interface of the host. stream: to the UNIX stream socket at path, each frame \
      after its length in 4 bytes, as QEMU's stream netdev and passt have it. loopback: back to \
      the guest. null: nowhere.
      """),
  AttributeSpec(
    "ifname", .interfaceName(mayBePattern: true, mayBeEmpty: false), default: "vbus%d",
    showsFact: true,
    help: """
      The tap's name; %d stands for the first free number. It is made when the device is enabled \
      and goes when it is disabled, unless it was there before: ip tuntap add mode tap. Making one \
      takes CAP_NET_ADMIN, using one that is there its owner. Opened with the rights of who wrote \
      this.
      """),
  AttributeSpec(
    "host_mac", .mac(mayBeEmpty: true), default: "",
    help: "The address of the tap on the host's side. Empty: the one it has."),
  AttributeSpec(
    "bridge", .interfaceName(mayBePattern: false, mayBeEmpty: true), default: "",
    help: "The bridge that the tap joins. Empty: none is joined."),
  AttributeSpec(
    "host_up", .boolean, default: "1",
    help: "1: the tap is brought up when the device is enabled. 0: it is left as it is."),
  AttributeSpec(
    "path", .path, default: "",
    help: "The socket of backend stream, connected to with the rights of who wrote this."),
]

@Sendable private func drawMACAddress() -> String {
  var generator = SystemRandomNumberGenerator()
  // What is drawn is always an address of one card; the other outcome has no meaning to give.
  return MACAddress.random(using: &generator)?.text ?? "02:00:00:00:00:01"
}

/// What only all values together show.
private func validateNet(_ values: [String: String]) throws(Refusal) {
  switch values["backend"] {
  case "stream":
    guard values["path"]?.isEmpty == false else {
      throw .missing(attribute: "path", because: "backend is stream")
    }
  case "tap":
    guard values["host_mac"] != values["mac"] else {
      throw .excludes(attribute: "mac", other: "an equal host_mac")
    }
  default: break
  }
}

/// QEMU keeps a configuration space of its own: what it shall agree on is told.
@Sendable private func netArgumentsOfQEMU(
  _ chardev: String, _ values: [String: String]
) -> String {
  let mtu = values["mtu"] ?? "1500"
  let speed = values["speed"] ?? "0"
  return "-netdev vhost-user,id=net-\(chardev),chardev=\(chardev) "
    + "-device virtio-net-pci,netdev=net-\(chardev),mac=\(values["mac"] ?? "")"
    + (mtu == "1500" ? "" : ",host_mtu=\(mtu)")
    + (speed == "0" ? "" : ",speed=\(speed),duplex=full")
}
