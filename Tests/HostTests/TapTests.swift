import Devices
import LinuxSystem
import Model
import TestSupport
import Testing

@Suite("Opening the tap of a network card", .needs(.root, .networkNamespaces, .tun, .ip))
struct TapTests {
  @Test("A pattern becomes the first free name, which is a fact; the tap is up")
  func pattern() throws {
    let facts = try inNewNetwork {
      try run("ip tuntap add vbus0 mode tap")
      let opening = try openNetHost(tap())
      let made = try NetworkInterface(named: "vbus1")
      #expect(made.isUp)
      return opening.facts
    }
    #expect(facts == ["ifname": "vbus1"])
  }

  @Test("The tap gets mtu, host_mac and its bridge")
  func settings() throws {
    let (made, bridge) = try inNewNetwork {
      try run("ip link add br0 type bridge")
      let values = ["mtu": "9000", "host_mac": "02:00:00:00:00:09", "bridge": "br0"]
      let opening = try openNetHost(tap(values))
      #expect(opening.descriptors.count == 1)
      return (try NetworkInterface(named: "vbus0"), try NetworkInterface(named: "br0"))
    }
    #expect(made.mtu == 9000)
    #expect(made.address == [2, 0, 0, 0, 0, 9])
    #expect(made.master == bridge.index)
  }

  @Test("With host_up 0 the tap is left as it is")
  func down() throws {
    let made = try inNewNetwork {
      let opening = try openNetHost(tap(["host_up": "0"]))
      #expect(opening.descriptors.count == 1)
      return try NetworkInterface(named: "vbus0")
    }
    #expect(!made.isUp)
  }

  @Test("The tap goes with its last descriptor")
  func goes() throws {
    try inNewNetwork {
      var opening: HostOpening? = try openNetHost(tap())
      try #require(opening?.descriptors.count == 1)
      opening = nil
      #expect(throws: Errno.noDevice) { try NetworkInterface(named: "vbus0") }
    }
  }

  @Test("A tap that is open stays the same when it is opened again")
  func again() throws {
    try inNewNetwork {
      let first = try openNetHost(tap())
      let before = try NetworkInterface(named: "vbus0")
      let second = try openNetHost(tap(open: first.descriptors))
      #expect(second.facts == ["ifname": "vbus0"])
      #expect(second.descriptors.first === first.descriptors.first)
      let after = try NetworkInterface(named: "vbus0")
      #expect(after == before)
    }
  }

  @Test("A tap that somebody removed is made anew")
  func removed() throws {
    try inNewNetwork {
      let first = try openNetHost(tap(["ifname": "lost"]))
      try run("ip link delete lost")
      let second = try openNetHost(tap(["ifname": "lost"], open: first.descriptors))
      #expect(second.facts == ["ifname": "lost"])
      let made = try NetworkInterface(named: "lost")
      #expect(made.isUp)
    }
  }

  @Test("A tap that is there and in its bridge is opened by its owner, who may nothing else")
  func owned() throws {
    let facts = try inNewNetwork {
      try run(
        """
        ip link add br0 type bridge; ip tuntap add mine mode tap user 65534
        ip link set mine master br0 up
        """)
      try assumeRights(uid: 65534, gid: 65534, groups: [])
      return try openNetHost(tap(["ifname": "mine", "bridge": "br0"])).facts
    }
    #expect(facts == ["ifname": "mine"])
  }

  @Test("A missing bridge answers ENODEV, and no tap is left")
  func noBridge() throws {
    try inNewNetwork {
      #expect(refusal(tap(["bridge": "br7"])) == .noDevice)
      #expect(throws: Errno.noDevice) { try NetworkInterface(named: "vbus0") }
    }
  }

  @Test("A bridge that is none answers EOPNOTSUPP")
  func noneOfABridge() throws {
    #expect(try inNewNetwork { refusal(tap(["bridge": "lo"])) } == .notSupported)
  }

  @Test("A tap that another program uses answers EBUSY")
  func busy() throws {
    let errno = try inNewNetwork {
      let first = try openNetHost(tap(["ifname": "taken"]))
      return first.descriptors.isEmpty ? nil : refusal(tap(["ifname": "taken"]))
    }
    #expect(errno == .busy)
  }

  @Test("An interface that is no tap answers EINVAL")
  func other() throws {
    #expect(try inNewNetwork { refusal(tap(["ifname": "lo"])) } == .invalid)
  }

  @Test("Who is not root makes no tap: EPERM")
  func notRoot() throws {
    let errno = try inNewNetwork {
      try assumeRights(uid: 65534, gid: 65534, groups: [])
      return refusal(tap())
    }
    #expect(errno == .notPermitted)
  }

  @Test("Nobody uses the tap of another: EPERM")
  func ofAnother() throws {
    let errno = try inNewNetwork {
      try run("ip tuntap add his mode tap user 1234")
      try assumeRights(uid: 65534, gid: 65534, groups: [])
      return refusal(tap(["ifname": "his"]))
    }
    #expect(errno == .notPermitted)
  }

  @Test(
    "The owner of a tap may neither rename its host, nor bridge it, nor bring it up: EPERM",
    arguments: [
      ["host_up": "1"], ["host_up": "0", "mtu": "9000"], ["host_up": "0", "bridge": "br0"],
      ["host_up": "0", "host_mac": "02:00:00:00:00:09"],
    ])
  func owner(values: [String: String]) throws {
    let errno = try inNewNetwork {
      try run("ip link add br0 type bridge; ip tuntap add mine mode tap user 65534")
      try assumeRights(uid: 65534, gid: 65534, groups: [])
      return refusal(tap(values.merging(["ifname": "mine"]) { $1 }))
    }
    #expect(errno == .notPermitted)
  }

  @Test("Who wrote another value needs the right to the tap too, also to one in use")
  func others() throws {
    try inNewNetwork {
      try run("ip tuntap add mine mode tap user 65534; ip tuntap add his mode tap user 1234")
      let used = try openNetHost(tap(["ifname": "mine"]))
      #expect(used.descriptors.count == 1)
      try assumeRights(uid: 65534, gid: 65534, groups: [])
      try checkNetRights(tap(["ifname": "mine"]))
      #expect(throws: HostRefusal.self) { try checkNetRights(tap(["ifname": "his"])) }
      #expect(throws: HostRefusal.self) { try checkNetRights(tap(["ifname": "new"])) }
    }
  }

  @Test(
    "Who owns a tap and wrote another value may not have root's rights change the tap: EPERM",
    arguments: [
      ["mtu": "9000"], ["bridge": "br0"], ["bridge": "br1"], ["host_mac": "02:00:00:00:00:09"],
    ])
  func othersChange(values: [String: String]) throws {
    let errno = try inNewNetwork {
      try run(
        """
        ip link add br0 type bridge; ip link add br1 type bridge
        ip tuntap add mine mode tap user 65534; ip link set mine up
        """)
      try assumeRights(uid: 65534, gid: 65534, groups: [])
      return refusal(of: checkNetRights, tap(values.merging(["ifname": "mine"]) { $1 }))
    }
    #expect(errno == .notPermitted)
  }

  @Test("Who owns a tap that is as the values want it needs no more")
  func othersLeave() throws {
    let errno = try inNewNetwork {
      try run(
        """
        ip link add br0 type bridge; ip tuntap add mine mode tap user 65534
        ip link set mine master br0 up
        """)
      try assumeRights(uid: 65534, gid: 65534, groups: [])
      return refusal(of: checkNetRights, tap(["ifname": "mine", "bridge": "br0"]))
    }
    #expect(errno == nil)
  }

  @Test("Rights come back to root's after another's were assumed")
  func back() throws {
    try inNewNetwork {
      try assumeRights(uid: 65534, gid: 65534, groups: [4, 24])
      #expect(effectiveUser() == 65534)
      try assumeRights(uid: 0, gid: 0, groups: [])
      let opening = try openNetHost(tap())
      #expect(opening.facts == ["ifname": "vbus0"])
    }
  }
}

@Sendable private func tap(
  _ values: [String: String] = [:], open: [Descriptor] = []
) -> HostWish {
  let defaults = ["backend": "tap", "ifname": "vbus%d", "mtu": "1500", "host_up": "1"]
  return HostWish(defaults.merging(values) { $1 }, forbiddenFileSystem: .max, open: open)
}
