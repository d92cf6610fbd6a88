import LinuxSystem
import TestSupport
import Testing

extension EndToEnd {
  @Suite(
    "DPDK's driver uses network cards", .needs(.testpmd))
  struct TestpmdTests {
    let lab: Lab

    init() throws { lab = try Lab() }

    @Test("Frames that it sends to a loopback come back, each is counted and none is lost")
    func loopback() throws {
      defer { lab.end() }
      let card = try lab.addCard(with: ["backend": "loopback"])
      let driver = try Testpmd(on: [card], in: lab)
      try driver.say("start tx_first 8")
      try driver.receive(20_000)
      let last = try driver.finish()
      #expect(try lab.number("devices/nic0/stats/tx_packets") == last.sent)
      #expect(try lab.number("devices/nic0/stats/rx_packets") == last.sent)
      #expect(try lab.number("devices/nic0/stats/tx_bytes") == 64 * last.sent)
      // What was under way when it stopped.
      #expect(last.sent - last.received <= 256)
      #expect(try lost("nic0") == 0)
    }

    @Test("Frames go from each of two cards on a switch to the other, and none is lost")
    func segment() throws {
      defer { lab.end() }
      let cards = [
        try lab.addCard("nic0", with: ["backend": "switch", "mac": "02:00:00:00:00:01"]),
        try lab.addCard("nic1", with: ["backend": "switch", "mac": "02:00:00:00:00:02"]),
      ]
      let driver = try Testpmd(
        on: cards, "--eth-peer=0,02:00:00:00:00:02 --eth-peer=1,02:00:00:00:00:01", in: lab)
      try driver.say("start tx_first 4")
      try driver.receive(20_000)
      let last = try driver.finish()
      let first = try lab.number("devices/nic0/stats/tx_packets")
      let second = try lab.number("devices/nic1/stats/tx_packets")
      #expect(first + second == last.sent)
      #expect(try lab.number("devices/nic0/stats/rx_packets") == second)
      #expect(try lab.number("devices/nic1/stats/rx_packets") == first)
      #expect(try lost("nic0") + lost("nic1") == 0)
    }

    @Test("It detaches, and attaches again to the same card")
    func again() throws {
      defer { lab.end() }
      let card = try lab.addCard(with: ["backend": "loopback"])
      let first = try round(with: card)
      try lab.awaitText("devices/nic0/status", "listening")
      let second = try round(with: card)
      #expect(try lab.number("devices/nic0/stats/tx_packets") == first.sent + second.sent)
      #expect(try lost("nic0") == 0)
    }

    @Test("The engine is killed five times while frames come and go: they go on coming")
    func engineDies() throws {
      defer { lab.end() }
      let card = try lab.addCard(with: ["backend": "loopback"])
      var dice = Dice()
      let driver = try Testpmd(on: [card], "--forward-mode=flowgen", in: lab)
      try driver.say("start")
      try driver.receive(1000)
      try lab.kill(.engine, times: 5, &dice)
      try driver.receive(20_000)
      let last = try driver.finish()
      #expect(try lab.number("containers/lab0/engine/restarts") == 5)
      #expect(try lab.number("devices/nic0/stats/tx_errors") == 0)
      // What was on its way through an engine that died is lost, as on any wire.
      #expect(last.received <= last.sent)
    }

    private func round(with card: Lab.Card) throws -> Testpmd.Count {
      let driver = try Testpmd(on: [card], in: lab)
      try driver.say("start tx_first 8")
      try driver.receive(20_000)
      return try driver.finish()
    }

    private func lost(_ card: String) throws -> UInt64 {
      try ["rx_dropped", "rx_errors", "tx_dropped", "tx_errors"]
        .reduce(0) { try $0 + lab.number("devices/\(card)/stats/\($1)") }
    }
  }
}
