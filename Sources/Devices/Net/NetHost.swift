internal import LinuxSystem
package import Model

/// Opens where a network card's frames go. The values were checked; the caller has assumed the
/// rights of who wrote the name, and runs under a deadline.
@Sendable package func openNetHost(_ wish: HostWish) throws(HostRefusal) -> HostOpening {
  switch wish.values["backend"] {
  case "tap": return try NetTap(wish.values).opening(wish.open.first)
  case "stream":
    let socket = try HostSocket(wish)
    return HostOpening(descriptors: [try socket.connected()])
  default: return HostOpening()
  }
}

/// A switch, a loop and nothing are the engine's own.
@Sendable func netNamesHost(_ values: [String: String]) -> Bool {
  values["backend"] == "tap" || values["backend"] == "stream"
}

/// Refuses who may not open what these values ask for.
@Sendable package func checkNetRights(_ wish: HostWish) throws(HostRefusal) {
  switch wish.values["backend"] {
  case "tap": try NetTap(wish.values).checkRights()
  case "stream": try HostSocket(wish).checkRights()
  default: break
  }
}

/// The attribute that names what is opened.
@Sendable package func netRightsAttribute(_ values: [String: String]) -> String {
  values["backend"] == "stream" ? "path" : "ifname"
}

/// What else decides it. Nobody needs a right to a switch, a loop or nothing.
@Sendable package func netHostAttributes(_ values: [String: String]) -> [String] {
  switch values["backend"] {
  case "tap": ["backend", "host_mac", "bridge", "host_up", "mtu"]
  case "stream": ["backend"]
  default: []
  }
}

/// A tap interface of the host as the values want it.
private struct NetTap {
  let name: String
  let bridge: String
  let mtu: UInt32
  let address: MACAddress?
  let isUp: Bool

  init(_ values: [String: String]) {
    name = values["ifname"] ?? ""
    bridge = values["bridge"] ?? ""
    mtu = UInt32(values["mtu"] ?? "") ?? 1500
    address = MACAddress(values["host_mac"] ?? "")
    isUp = values["host_up"] == "1"
  }

  /// A tap that is open already stays: closed, it would be gone with its address and its routes.
  func opening(_ open: Descriptor?) throws(HostRefusal) -> HostOpening {
    if let open, let real = try? tapName(open), isMeant(real) {
      try configure(real)
      return HostOpening(descriptors: [open], facts: ["ifname": real])
    }
    try findBridge()
    let (tap, real) = try attach()
    try configure(real)
    return HostOpening(descriptors: [tap], facts: ["ifname": real])
  }

  /// Root may all. Of others the kernel takes who owns an interface that is there; one that is in
  /// use it refuses after it has asked for that right. Whatever these values would change of the
  /// interface, the bridge it is in above all, takes rights that owning it does not give: what is
  /// not so yet the kernel refuses.
  func checkRights() throws(HostRefusal) {
    guard effectiveUser() != 0 else { return }
    do throws(HostRefusal) { _ = try attach() } catch {
      guard error.errno == Errno.busy.rawValue else { throw error }
    }
    try findBridge()
    try configure(name)
  }

  private func isMeant(_ real: String) -> Bool {
    guard name.contains("%d") else { return real == name }
    let parts = name.split(separator: "%d", maxSplits: 1, omittingEmptySubsequences: false)
    let number = real.dropFirst(parts[0].count).dropLast(parts[1].count)
    return real.hasPrefix(parts[0]) && real.hasSuffix(parts[1]) && UInt32(number) != nil
  }

  private func attach() throws(HostRefusal) -> (Descriptor, String) {
    do throws(Errno) { return try openTap(named: name) } catch {
      switch error {
      case .notPermitted:
        throw HostRefusal(
          error, "the writer of ifname may neither make the tap \(name) nor use it",
          "a tap that he owns (ip tuntap add \(name) mode tap user …), or a writer who is root")
      case .busy:
        throw HostRefusal(error, "the tap \(name) is in use by another program", "another ifname")
      case .invalid:
        throw HostRefusal(
          error, "there is an interface \(name), and it is no tap with one queue",
          "another ifname")
      case .noEntry, .noDevice, .noSuchDevice:
        throw HostRefusal(
          error, "/dev/net/tun is not there: this machine has no tap interfaces",
          "modprobe tun, or another backend")
      default: throw HostRefusal(error, "the tap \(name) could not be had: \(error.sentence)")
      }
    }
  }

  /// Before the tap is made, so that nobody sees it come and go.
  private func findBridge() throws(HostRefusal) {
    guard !bridge.isEmpty else { return }
    do throws(Errno) { _ = try NetworkInterface(named: bridge) } catch {
      throw HostRefusal(error, "there is no bridge \(bridge)", "the name of a bridge: ip link")
    }
  }

  /// What is so already takes no right.
  private func configure(_ real: String) throws(HostRefusal) {
    let tap = try step("be looked at", real) { () throws(Errno) in
      try NetworkInterface(named: real)
    }
    if tap.mtu != mtu {
      try step("be given the mtu \(mtu)", real) { () throws(Errno) in
        try NetworkInterface.setMTU(of: real, to: mtu)
      }
    }
    if let address, tap.address != address.bytes {
      try step("be given the address \(address.text)", real) { () throws(Errno) in
        try NetworkInterface.setAddress(of: real, to: address.bytes)
      }
    }
    if !bridge.isEmpty { try join(real, tap) }
    if isUp, !tap.isUp {
      try step("be brought up", real) { () throws(Errno) in try NetworkInterface.bringUp(real) }
    }
  }

  private func join(_ real: String, _ tap: NetworkInterface) throws(HostRefusal) {
    try step("join the bridge \(bridge)", real) { () throws(Errno) in
      let master = try NetworkInterface(named: bridge)
      guard tap.master != master.index else { return }
      try NetworkInterface.add(tap.index, toBridge: bridge)
    }
  }

  private func step<Outcome>(
    _ what: String, _ real: String, _ body: () throws(Errno) -> Outcome
  ) throws(HostRefusal) -> Outcome {
    do throws(Errno) { return try body() } catch {
      let isRight = error == .notPermitted || error == .accessDenied
      throw HostRefusal(
        error, "the tap \(real) could not \(what): \(error.sentence)",
        isRight ? "a writer of ifname who is root" : "")
    }
  }
}
