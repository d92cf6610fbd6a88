import ConfigTree
import FuseMount
import LinuxSystem
import Model
import Testing

/// Numbers that look random and are the same for the same seed (xorshift64).
struct Dice {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

  mutating func roll(_ sides: Int) -> Int {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Int(state >> 33) % sides
  }

  mutating func pick<Element>(_ list: [Element]) -> Element { list[roll(list.count)] }
}

@Suite("Any sequence of operations")
struct RandomTests {
  private static let devices = ["devices/a", "devices/b", "devices/c"]
  private static let containers = ["containers/x", "containers/y"]
  private static let links = containers.flatMap { ["\($0)/devices/a", "\($0)/devices/CuAAAAAA"] }
  private static let values = [
    "0", "1", "blk", "file", "memory", "4096", "/srv/i", "", "0x100000000",
  ]
  private static let files = [
    "type", "enabled", "path", "backend", "capacity", "serial", "features/mask",
    "features/bits/flush",
  ]

  /// One operation, of which many are refused. What it answers does not matter here.
  private static func step(_ bench: Bench, _ dice: inout Dice) {
    let world = bench.world
    switch dice.roll(14) {
    case 0: try? bench.mkdir(dice.pick(devices))
    case 1: try? bench.mkdir(dice.pick(containers))
    case 2: _ = try? bench.rmdir(dice.pick(devices + containers))
    case 3: _ = try? bench.ln(dice.pick(devices), dice.pick(links))
    case 4: _ = try? bench.rm(dice.pick(links))
    case 5: _ = try? bench.mv(dice.pick(devices), dice.pick(devices))
    case 6: _ = try? bench.mv(dice.pick(links), dice.pick(links), replacing: true)
    case 7:
      try? bench.change(
        OwnerChange(uid: UInt32(dice.roll(9))), dice.pick(devices + containers + links))
    case 8:
      world.hostResult =
        dice.roll(3) == 0
        ? .failure(HostRefusal(errno: Errno.noEntry.rawValue, reason: "gone"))
        : .success(HostSide(facts: ["capacity": "512"]))
      world.startResults =
        dice.roll(3) == 0 ? [.failure(HostRefusal(errno: 5, reason: "no engine"))] : []
    case 12:
      if let container = try? bench.container(String(dice.pick(containers).suffix(1))) {
        let connections = (0..<dice.roll(3)).map { _ in
          MemberConnection(
            pid: Int32(dice.roll(3)), uid: 0, since: UInt64(dice.roll(9)),
            openCount: UInt32(dice.roll(3)))
        }
        bench.tree.membersChanged(connections, of: container)
      }
    case 13:
      _ = try? bench.echo(
        dice.pick(["", "1", "@1 2", "x"]), dice.pick(containers) + "/members/allow")
    case 9: world.storeFailure = dice.roll(4) == 0 ? .noSpace : nil
    default:
      _ = try? bench.echo(dice.pick(values), dice.pick(devices) + "/" + dice.pick(files))
    }
  }

  @Test("keeps the model's rules, and a replay of the rows gives the same model", arguments: 1...40)
  func rulesHold(seed: UInt64) throws {
    let bench = Bench()
    var dice = Dice(seed: seed)
    for _ in 0..<300 {
      Self.step(bench, &dice)
      try bench.tree.checkInvariants()
    }
    #expect(bench.replayed().model == bench.tree.model)
  }

  @Test("gives each container a socket, as it is, and nothing else one", arguments: 66...75)
  func socketsAgree(seed: UInt64) throws {
    let bench = Bench()
    var dice = Dice(seed: seed)
    for _ in 0..<300 { Self.step(bench, &dice) }
    let model = bench.tree.model
    #expect(bench.world.containers.keys.sorted() == model.containers.values.map(\.id).sorted())
    for (id, told) in bench.world.containers {
      let container = try #require(model.containers[id])
      #expect(told.name == container.name && told.owner == container.owner)
      #expect(told.allowance == container.allowance)
    }
  }

  @Test("leaves live in the engine exactly what is live in the tree", arguments: 41...60)
  func engineAgrees(seed: UInt64) throws {
    let bench = Bench()
    var dice = Dice(seed: seed)
    for _ in 0..<300 { Self.step(bench, &dice) }
    let enabled = bench.tree.enabledDevices()
    let live = enabled.filter { bench.tree.placement(of: $0) != nil }
    #expect(bench.world.live.keys.sorted() == live.map(\.id))
    #expect(bench.world.openHosts.sorted() == enabled.map(\.id))
  }

  /// Makes what is missing of three disks and two containers.
  private static func furnish(_ bench: Bench) {
    for name in containers + devices { try? bench.mkdir(name) }
    for device in devices {
      for (file, value) in [("type", "blk"), ("path", "/srv/i")] {
        _ = try? bench.echo(value, "\(device)/\(file)")
      }
    }
  }

  @Test("leaves the kernel nothing to remember that is no more so", arguments: 61...65)
  func kernelAgrees(seed: UInt64) throws {
    let bench = Bench()
    var dice = Dice(seed: seed)
    for turn in 0..<200 {
      bench.world.now += 1
      if turn % 50 == 0 { Self.furnish(bench) }
      try bench.kernel.look(at: bench.tree)
      Self.step(bench, &dice)
      if dice.roll(4) == 0 {
        _ = try? bench.echo("\(dice.roll(9))", dice.pick(Self.devices) + "/num_queues")
      }
      let stale = try bench.kernel.stale(in: bench.tree)
      try #require(stale == [], "turn \(turn)")
    }
  }

  @Test("Random numbers, names and bytes are answered or refused, never trapped", arguments: 1...8)
  func hostile(seed: UInt64) throws {
    let bench = try Bench.withLiveDisk()
    var dice = Dice(seed: seed)
    let nodes = [NodeID.root, try bench.node("devices"), try bench.node("containers/lab0/devices")]
    for _ in 0..<2000 {
      let name = (0..<dice.roll(80)).map { _ in UInt8(dice.roll(256)) }
      let number = UInt64(dice.roll(1 << 20)) << UInt64(dice.roll(44))
      let node = dice.roll(2) == 0 ? dice.pick(nodes) : NodeID(rawValue: number)
      _ = try? bench.tree.attributes(of: node)
      _ = try? bench.tree.entries(of: node)
      _ = try? bench.tree.text(of: node)
      _ = try? bench.tree.lookup(name.span, in: node)
      _ = try? bench.tree.store(name, in: node, isContinuation: false, bench.request())
      _ = try? bench.tree.makeLink(name, in: node, to: name, bench.request())
      _ = try? bench.tree.makeDirectory(name, in: node, permissions: 0o777, bench.request())
      bench.world.run()
    }
    try bench.tree.checkInvariants()
  }
}
