import ConfigTree
import FuseMount
import LinuxSystem
import Model
import Testing

@Suite("Attributes that change while a device is live")
struct LiveTests {
  @Test("A new capacity reaches the engine as what the host side says, and is shown")
  func grows() throws {
    let bench = try Bench.withLiveDisk()
    bench.world.hostResult = .success(HostSide(facts: ["capacity": "2097152"]))
    try bench.echo("2M", "devices/disk0/capacity")
    #expect(bench.world.updated.map { $0.facts["capacity"] } == ["2097152"])
    #expect(try bench.cat("devices/disk0/capacity") == "2097152\n")
  }

  @Test("A live device is not ended for it, with a guest attached or without")
  func goesOn() throws {
    let bench = try Bench.withLiveDisk()
    bench.world.report(LiveState(isConnected: true), of: try bench.device("disk0"))
    try bench.echo("2M", "devices/disk0/capacity")
    #expect(bench.world.started.count == 1)
  }

  @Test("While the device is not enabled the value is kept and nothing opened")
  func offline() throws {
    let bench = try Bench.withDisk()
    try bench.echo("2M", "devices/disk0/capacity")
    #expect(try bench.cat("devices/disk0/capacity") == "2097152\n")
    #expect(bench.world.updated.isEmpty)
  }

  @Test("While the device is enabled and in no container its host side follows")
  func enabledOnly() throws {
    let bench = try Bench.withDisk()
    try bench.echo("1", "devices/disk0/enabled")
    bench.world.hostResult = .success(HostSide(facts: ["capacity": "2097152"]))
    try bench.echo("2M", "devices/disk0/capacity")
    #expect(try bench.cat("devices/disk0/capacity") == "2097152\n")
    #expect(bench.world.updated.isEmpty)
  }

  @Test("A successor has the new value and the new fact")
  func replay() throws {
    let bench = try Bench.withLiveDisk()
    bench.world.hostResult = .success(HostSide(facts: ["capacity": "2097152"]))
    try bench.echo("2M", "devices/disk0/capacity")
    let device = try #require(bench.replayed().enabledDevices().first)
    #expect(device.values["capacity"]?.text == "2097152")
    #expect(device.facts["capacity"] == "2097152")
  }

  @Test("What the host side refuses is refused, and the old value stays")
  func hostRefuses() throws {
    let bench = try Bench.withLiveDisk()
    bench.world.hostResult = .failure(
      HostRefusal(errno: Errno.noSpace.rawValue, reason: "the disk is full"))
    #expect(throws: TreeError.noSpace) { try bench.echo("2M", "devices/disk0/capacity") }
    #expect(try bench.cat("devices/disk0/capacity") == "1048576\n")
    #expect(bench.world.updated.isEmpty)
  }

  @Test("What the engine refuses is refused, and value and fact are the old ones again")
  func engineRefuses() throws {
    let bench = try Bench.withLiveDisk()
    bench.world.hostResult = .success(HostSide(facts: ["capacity": "512"]))
    bench.world.updateResult = .failure(
      HostRefusal(errno: Errno.busy.rawValue, reason: "a live disk can only grow"))
    #expect(throws: TreeError.busy) { try bench.echo("512", "devices/disk0/capacity") }
    let device = try #require(bench.replayed().enabledDevices().first)
    #expect(device.values["capacity"] == nil)
    #expect(device.facts["capacity"] == "1048576")
    #expect(try bench.cat("devices/disk0/last_error").contains("can only grow"))
  }

  @Test("A value that cannot be stored is refused before the engine hears of it")
  func storeFails() throws {
    let bench = try Bench.withLiveDisk()
    bench.world.storeFailure = .noSpace
    #expect(throws: TreeError.noSpace) { try bench.echo("2M", "devices/disk0/capacity") }
    #expect(bench.world.updated.isEmpty)
  }

  @Test("A value that does not go with the others is refused before anything is opened")
  func validated() throws {
    let bench = try Bench.withDisk()
    try bench.echo("4096", "devices/disk0/block_size")
    try bench.echo("1", "devices/disk0/enabled")
    #expect(throws: TreeError.invalid) { try bench.echo("1536", "devices/disk0/capacity") }
    #expect(try bench.cat("devices/disk0/capacity") == "1048576\n")
  }

  @Test("A host side that goes away shows as failed, with the reason")
  func hostGone() throws {
    let bench = try Bench.withLiveDisk()
    let disk = try bench.device("disk0")
    bench.world.report(LiveState(hostFailure: "the peer closed its socket"), of: disk)
    bench.tree.liveStateChanged(disk)
    #expect(try bench.cat("devices/disk0/status") == "failed\n")
    #expect(try bench.cat("devices/disk0/last_error").contains("the peer closed its socket"))
  }
}
