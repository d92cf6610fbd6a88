import LinuxSystem
import TestSupport
import Testing

extension EndToEnd {
  @Suite(
    "Guests use a network card",
    .needs(.root, .networkNamespaces, .tun, .ip, .userModeLinux, .qemu, .qemuGuest))
  struct NetworkTests {
    let lab: Lab

    init() throws { lab = try Lab(withNetwork: true) }

    @Test("Over a tap, pings to the host are answered", arguments: Machine.allCases)
    func ping(machine: Machine) throws {
      defer { lab.end() }
      let card = try lab.addTapCard()
      let report = try lab.report(
        of: machine, on: [card.device], running: Commands.network() + "\n" + Commands.ping())
      #expect(report.lines == ["ping answered"])
      #expect(try lab.number("devices/nic0/stats/tx_packets") >= 3)
      #expect(try lab.number("devices/nic0/stats/rx_packets") >= 3)
    }

    @Test("User-Mode Linux sees the address, MTU, speed and link that were set")
    func attributes() throws {
      defer { lab.end() }
      let card = try lab.addCard(with: [
        "mac": "02:00:00:00:00:07", "mtu": "1400", "speed": "2500", "backend": "null",
      ])
      let report = try lab.report(
        of: .userModeLinux, on: [card.device], running: Commands.network() + "\n" + Commands.card)
      #expect(report.value("mac") == "02:00:00:00:00:07")
      #expect(report.value("mtu") == "1400")
      #expect(report.value("speed") == "2500")
      #expect(report.value("carrier") == "1")
    }

    @Test("QEMU's guest sees the address that was set")
    func addressOverPCI() throws {
      defer { lab.end() }
      let card = try lab.addCard(with: ["mac": "02:00:00:00:00:08", "backend": "null"])
      let report = try lab.report(
        of: .qemu, on: [card.device], running: Commands.network() + "\n" + Commands.card)
      #expect(report.value("mac") == "02:00:00:00:00:08")
    }

    @Test("The guest acknowledges exactly the bits that are not masked")
    func features() throws {
      defer { lab.end() }
      let card = try lab.addTapCard()
      let whole = try lab.report(
        of: .userModeLinux, on: [card.device], running: Commands.features
      ).features
      try lab.awaitText("devices/nic0/status", "listening")
      try lab.set("devices/nic0/features/bits/csum", "0")
      try lab.set("devices/nic0/features/bits/mrg_rxbuf", "0")
      let masked = try lab.report(
        of: .userModeLinux, on: [card.device], running: Commands.features
      ).features
      let offload = Bits.checksum | Bits.hostOffloads
      #expect(whole & (offload | Bits.mergeable) == offload | Bits.mergeable)
      #expect(masked == whole & ~(offload | Bits.mergeable))
    }

    @Test("A link that goes down and up shows in the running guest")
    func link() throws {
      defer { lab.end() }
      let card = try lab.addTapCard()
      let guest = try Guest(
        .userModeLinux, on: [card.device],
        running: Commands.network() + "\n" + Commands.carrier, in: lab)
      try guest.awaitLine("ready 1")
      try lab.set("devices/nic0/link", "down")
      try guest.awaitLine("ready 2")
      try lab.set("devices/nic0/link", "up")
      let report = try guest.finish()
      #expect(report.value("first") == "1")
      #expect(report.value("change1") == "0")
      #expect(report.value("change2") == "1")
    }

    @Test("A link that comes up has the guest announce itself to its network")
    func announces() throws {
      defer { lab.end() }
      let card = try lab.addTapCard()
      let guest = try Guest(
        .userModeLinux, on: [card.device],
        running: Commands.network() + "\n" + Commands.carrier + "\nsleep 1", in: lab)
      try guest.awaitLine("ready 1")
      try lab.set("devices/nic0/link", "down")
      try guest.awaitLine("ready 2")
      let before = try lab.run("ip neigh flush all; ip -s neigh").text
      // Whoever hears of an address that he knows takes what it says.
      _ = try lab.run("ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:99 dev lab0 nud stale")
      try lab.set("devices/nic0/link", "up")
      _ = try guest.finish()
      let mac = try lab.text("devices/nic0/mac")
      #expect(!before.contains(mac))
      #expect(try lab.run("ip neigh show 10.9.0.2").text.contains(mac))
    }

    @Test(
      "50 MB each way over a tap arrive whole, whatever is masked",
      arguments: [
        (Machine.userModeLinux, []), (.userModeLinux, ["csum"]), (.userModeLinux, ["guest_csum"]),
        (.userModeLinux, ["host_tso4", "host_tso6", "guest_tso4", "guest_tso6"]),
        (.userModeLinux, ["mrg_rxbuf", "indirect_desc", "event_idx"]), (.qemu, []),
      ])
    func tap(machine: Machine, masked: [String]) throws {
      defer { lab.end() }
      let card = try lab.addTapCard(masking: masked)
      let transfer = try Transfer(under: machine, with: card, in: lab)
      #expect(transfer.arrived == transfer.sent)
      #expect(transfer.received == transfer.answered)
    }

    @Test(
      "50 MB each way between two guests on a switch arrive whole, whatever one of them lacks",
      arguments: [[], ["csum", "guest_csum"], ["mrg_rxbuf", "guest_csum"]])
    func segment(masked: [String]) throws {
      defer { lab.end() }
      let card = try lab.addCard(with: ["backend": "switch"])
      let other = try lab.addCard("nic1", with: ["backend": "switch"])
      for bit in masked { try lab.set("devices/nic1/features/bits/\(bit)", "0") }
      let transfer = try Transfer(between: card, and: other, in: lab)
      #expect(transfer.report.lines.last == "ping answered")
      #expect(transfer.arrived == transfer.sent)
      #expect(transfer.received == transfer.answered)
    }

    @Test("Guests in different containers do not hear each other")
    func apart() throws {
      defer { lab.end() }
      let card = try lab.addCard(with: ["backend": "switch"])
      let other = try lab.addCard("nic1", in: "lab1", with: ["backend": "switch"])
      let partner = try Guest(
        .userModeLinux, on: [other.device],
        running: Commands.network(1) + "\necho ready; read -r _", in: lab)
      try partner.awaitLine("ready")
      let report = try lab.report(
        of: .userModeLinux, on: [card.device],
        running: Commands.network() + "\nping -c 1 -W 1 10.9.0.1 >/dev/null || echo alone")
      #expect(report.lines == ["alone"])
      #expect(try lab.number("devices/nic1/stats/rx_packets") == 0)
    }

    @Test("The engine is killed while 50 MB are on their way: they arrive whole, the tap stays")
    func engineDies() throws {
      defer { lab.end() }
      let card = try lab.addTapCard()
      var dice = Dice()
      let interface = "cat devices/nic0/ifname; ip -o link show lab0 | cut -d : -f 1"
      let before = try lab.run(interface).text
      let transfer = try Transfer(under: .userModeLinux, with: card, in: lab) {
        try lab.kill(.engine, times: 5, &dice)
      }
      #expect(transfer.arrived == transfer.sent)
      #expect(transfer.received == transfer.answered)
      #expect(try lab.run(interface).text == before)
      #expect(try lab.number("containers/lab0/engine/restarts") == 5)
    }
  }
}
