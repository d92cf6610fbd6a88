import ConfigTree
import Devices
import FuseMount
import LinuxSystem
import Model
import Testing

/// A class with one attribute of its own and two limits, one of the same name.
private let meterClass = DeviceClass(
  name: "meter", interfaceType: "virtio-meter", virtioID: 63, description: "A class with limits.",
  attributes: [
    AttributeSpec("burst", .number(0...9), default: "1", help: "Of its own."),
    AttributeSpec(
      "bytes_per_second", .number(0...1_000_000), default: "0", in: .limits,
      window: .live, unit: "bytes per second", help: "How fast. 0: no limit."),
    AttributeSpec(
      "burst", .number(0...1_000_000), default: "0", in: .limits, window: .live,
      unit: "bytes", help: "How much at once."),
  ],
  features: [FeatureSpec(32, "version_1", help: "The standard interface.")], counters: [],
  queueCount: { _ in 1 }, offerable: { _ in FeatureSpec.version1 },
  validate: { (values) throws(Refusal) in
    guard values["limits/burst"] == "0" || values["limits/bytes_per_second"] != "0" else {
      throw .missing(attribute: "limits/bytes_per_second", because: "burst is")
    }
  },
  qemuArguments: { chardev, _ in "-device vhost-user-meter,chardev=\(chardev)" })

@Suite("A device's limits directory")
struct LimitsTests {
  private func benchWithMeter() throws -> Bench {
    let bench = Bench(TestWorld(), Catalogue(catalogue.classes + [meterClass]))
    try bench.mkdir("devices/meter0")
    try bench.echo("meter", "devices/meter0/type")
    return bench
  }

  @Test("A class with limits gives its devices a directory of them, and not in their own")
  func listing() throws {
    let bench = try benchWithMeter()
    #expect(try bench.ls("devices/meter0/limits") == ["bytes_per_second", "burst"])
    #expect(
      try bench.ls("devices/meter0") == [
        "type", "status", "last_error", "features", "queues", "stats", "socket", "connect",
        "limits", "burst", "in_band_notifications", "enabled",
      ])
  }

  @Test("A device of a class without limits has no such directory")
  func missing() throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.noEntry) { try bench.stat("devices/disk0/limits") }
    #expect(throws: TreeError.noEntry) { try bench.stat("classes/blk/limits") }
    #expect(try !bench.ls("devices/disk0").contains("limits"))
  }

  @Test("An untyped device has no limits")
  func untyped() throws {
    let bench = try benchWithMeter()
    try bench.mkdir("devices/new")
    #expect(throws: TreeError.noEntry) { try bench.stat("devices/new/limits") }
  }

  @Test("A limit and an attribute of the same name are two values")
  func twoValues() throws {
    let bench = try benchWithMeter()
    try bench.echo("500", "devices/meter0/limits/burst")
    try bench.echo("7", "devices/meter0/burst")
    #expect(try bench.cat("devices/meter0/limits/burst") == "500\n")
    #expect(try bench.cat("devices/meter0/burst") == "7\n")
  }

  @Test("A limit goes by its path in the model, in the store and in what an engine is given")
  func key() throws {
    let bench = try benchWithMeter()
    try bench.echo("500", "devices/meter0/limits/bytes_per_second")
    let id = try bench.device("meter0")
    let device = try #require(bench.tree.model.devices[id])
    #expect(device.values["limits/bytes_per_second"]?.text == "500")
    #expect(bench.tree.resolvedValues(of: device)["limits/bytes_per_second"] == "500")
    #expect(bench.tree.resolvedValues(of: device)["limits/burst"] == "0")
    #expect(bench.replayed().model == bench.tree.model)
  }

  @Test("A limit out of range is refused, the old value stays, and last_error names its path")
  func outOfRange() throws {
    let bench = try benchWithMeter()
    #expect(throws: TreeError.invalid) {
      try bench.echo("1000001", "devices/meter0/limits/bytes_per_second")
    }
    #expect(try bench.cat("devices/meter0/limits/bytes_per_second") == "0\n")
    #expect(
      try bench.cat("devices/meter0/last_error")
        .contains("path: devices/meter0/limits/bytes_per_second\n"))
  }

  @Test("A limit that is changed while a guest is attached reaches the engine by its path")
  func live() throws {
    let bench = try benchWithMeter()
    try bench.mkdir("containers/lab0")
    try bench.echo("1", "devices/meter0/enabled")
    try bench.ln("../../../devices/meter0", "containers/lab0/devices/meter0")
    bench.world.report(LiveState(isConnected: true), of: try bench.device("meter0"))
    try bench.echo("500", "devices/meter0/limits/bytes_per_second")
    #expect(
      bench.world.updated.map { $0.values["limits/bytes_per_second"]?.text } == ["500"])
  }

  @Test("Limits that do not go together are refused at enabled")
  func togetherRefused() throws {
    let bench = try benchWithMeter()
    try bench.echo("500", "devices/meter0/limits/burst")
    #expect(throws: TreeError.invalid) { try bench.echo("1", "devices/meter0/enabled") }
    #expect(
      try bench.cat("devices/meter0/last_error")
        .contains("reason: limits/bytes_per_second is not set, and burst is\n"))
  }

  @Test("A source of random bytes has its rate in limits, none at first")
  func randomRate() throws {
    let bench = Bench(TestWorld())
    try bench.mkdir("devices/rng0")
    try bench.echo("rng", "devices/rng0/type")
    #expect(try bench.ls("devices/rng0/limits") == ["bytes_per_second"])
    #expect(try bench.cat("devices/rng0/limits/bytes_per_second") == "0\n")
    try bench.echo("4096", "devices/rng0/limits/bytes_per_second")
    #expect(try bench.cat("devices/rng0/limits/bytes_per_second") == "4096\n")
  }

  @Test("A rate of random bytes above what can be counted is refused")
  func randomRateRefused() throws {
    let bench = Bench(TestWorld())
    try bench.mkdir("devices/rng0")
    try bench.echo("rng", "devices/rng0/type")
    #expect(throws: TreeError.invalid) {
      try bench.echo("1099511627777", "devices/rng0/limits/bytes_per_second")
    }
  }

  @Test("Nothing is made, renamed or removed in limits")
  func fixed() throws {
    let bench = try benchWithMeter()
    #expect(throws: TreeError.notPermitted) { try bench.mkdir("devices/meter0/limits/x") }
    #expect(throws: TreeError.notPermitted) { try bench.rmdir("devices/meter0/limits") }
    #expect(throws: TreeError.notPermitted) { try bench.rm("devices/meter0/limits/burst") }
  }

  @Test("classes/ describes limits beside attributes")
  func described() throws {
    let bench = try benchWithMeter()
    let names = ["description", "attributes", "features", "limits"]
    #expect(try bench.ls("classes/meter") == names)
    #expect(try bench.ls("classes/meter/attributes") == ["burst", "in_band_notifications"])
    #expect(try bench.ls("classes/meter/limits") == ["bytes_per_second", "burst"])
    #expect(try bench.cat("classes/meter/limits/burst/unit") == "bytes\n")
    #expect(try bench.cat("classes/meter/limits/burst/help") == "How much at once.\n")
    #expect(try bench.cat("classes/meter/attributes/burst/help") == "Of its own.\n")
  }

  @Test("Link counts of directories with limits are those of their listings")
  func linkCounts() throws {
    let bench = try benchWithMeter()
    #expect(try bench.stat("devices/meter0").linkCount == 6)
    #expect(try bench.stat("devices/meter0/limits").linkCount == 2)
    #expect(try bench.stat("classes/meter").linkCount == 5)
    #expect(try bench.stat("classes/meter/limits").linkCount == 4)
  }

  @Test("A limit can be given away without the rest of its device")
  func ownerOfOne() throws {
    let bench = try benchWithMeter()
    try bench.change(OwnerChange(uid: 33), "devices/meter0/limits/burst")
    #expect(try bench.stat("devices/meter0/limits/burst").uid == 33)
    #expect(try bench.stat("devices/meter0/limits/bytes_per_second").uid == 1000)
  }
}
