import ConfigTree
import FuseMount
import LinuxSystem
import Model
import Testing

@Suite("enabled, features and the life of a device")
struct EnablingTests {
  @Test("Enabling opens the host side, and the real capacity is shown while enabled")
  func enable() throws {
    let bench = try Bench.withDisk()
    try bench.echo("1", "devices/disk0/enabled")
    #expect(try bench.cat("devices/disk0/enabled") == "1\n")
    #expect(try bench.cat("devices/disk0/status") == "enabled\n")
    #expect(try bench.cat("devices/disk0/capacity") == "1048576\n")
    try bench.echo("0", "devices/disk0/enabled")
    #expect(try bench.cat("devices/disk0/capacity") == "0\n")
    #expect(bench.world.openHosts.isEmpty)
  }

  @Test("Enabling a device that is plugged in makes it live; disabling ends it")
  func enablePlugged() throws {
    let bench = try Bench.withDisk()
    try bench.ln("devices/disk0", "containers/lab0/devices/disk0")
    try bench.echo("1", "devices/disk0/enabled")
    #expect(bench.world.live.count == 1)
    try bench.echo("0", "devices/disk0/enabled")
    #expect(bench.world.live.isEmpty)
    #expect(try bench.cat("devices/disk0/status") == "offline\n")
  }

  @Test("Enabling twice changes nothing")
  func enableTwice() throws {
    let bench = try Bench.withLiveDisk()
    #expect(try bench.echo("1", "devices/disk0/enabled") == .done)
    #expect(bench.world.started.count == 1)
  }

  @Test("What cannot be opened answers the opening's errno and sentence, and stays disabled")
  func hostRefuses() throws {
    let bench = try Bench.withDisk()
    bench.world.hostResult = .failure(
      HostRefusal(errno: Errno.noEntry.rawValue, reason: "/srv/vm0.img could not be found"))
    #expect(throws: TreeError.noEntry) { try bench.echo("1", "devices/disk0/enabled") }
    #expect(try bench.cat("devices/disk0/enabled") == "0\n")
    #expect(try bench.cat("devices/disk0/last_error").contains("/srv/vm0.img could not be found"))
  }

  @Test("An engine that does not start the device leaves it disabled and its host side closed")
  func startFails() throws {
    let bench = try Bench.withDisk()
    try bench.ln("devices/disk0", "containers/lab0/devices/disk0")
    bench.world.startResults = [
      .failure(HostRefusal(errno: Errno.timedOut.rawValue, reason: "no answer"))
    ]
    #expect(throws: TreeError.timedOut) { try bench.echo("1", "devices/disk0/enabled") }
    #expect(try bench.cat("devices/disk0/enabled") == "0\n")
    #expect(bench.world.openHosts.isEmpty)
  }

  @Test("An enabling that cannot be stored is undone")
  func storeFails() throws {
    let bench = try Bench.withDisk()
    try bench.ln("devices/disk0", "containers/lab0/devices/disk0")
    bench.world.storeFailure = .inputOutput
    #expect(throws: TreeError.inputOutput) { try bench.echo("1", "devices/disk0/enabled") }
    #expect(bench.world.live.isEmpty)
    #expect(bench.world.openHosts.isEmpty)
  }

  @Test("Values that do not go together are refused with EINVAL when enabling")
  func validate() throws {
    let bench = try Bench.withDisk()
    try bench.echo("", "devices/disk0/path")
    #expect(throws: TreeError.invalid) { try bench.echo("1", "devices/disk0/enabled") }
    try bench.echo("memory", "devices/disk0/backend")
    #expect(throws: TreeError.invalid) { try bench.echo("1", "devices/disk0/enabled") }
    try bench.echo("512", "devices/disk0/capacity")
    try bench.echo("4096", "devices/disk0/block_size")
    #expect(throws: TreeError.invalid) { try bench.echo("1", "devices/disk0/enabled") }
    #expect(try bench.cat("devices/disk0/last_error").contains("not a multiple of block_size"))
  }

  @Test("enabled takes nothing but a boolean, and is not there before type")
  func notBoolean() throws {
    let bench = try Bench.withDisk()
    try bench.mkdir("devices/shell")
    #expect(throws: TreeError.invalid) { try bench.echo("2", "devices/disk0/enabled") }
    #expect(throws: TreeError.noEntry) { try bench.echo("1", "devices/shell/enabled") }
  }

  @Test("Operations on a device wait behind the one under way, in order")
  func order() throws {
    let bench = try Bench.withDisk()
    let enabled = try bench.node("devices/disk0/enabled")
    let serial = try bench.node("devices/disk0/serial")
    let devices = try bench.node("devices")
    let requests = [bench.request(), bench.request(), bench.request(), bench.request()]
    let answers = [
      try bench.tree.store([49], in: enabled, isContinuation: false, requests[0]),
      try bench.tree.store([65], in: serial, isContinuation: false, requests[1]),
      try bench.tree.store([48], in: enabled, isContinuation: false, requests[2]),
      try bench.tree.removeDirectory(Array("disk0".utf8), in: devices, requests[3]),
    ]
    #expect(answers == [.later, .later, .later, .later])
    bench.world.run()
    #expect(
      requests.map { bench.world.finished[$0.unique] } == [
        .success(.done), .success(.done), .success(.done), .success(.done),
      ])
    #expect(try bench.ls("devices").isEmpty)
  }

  @Test("Looking does not wait for an operation under way")
  func lookingMeanwhile() throws {
    let bench = try Bench.withDisk()
    _ = try bench.tree.store(
      [49], in: bench.node("devices/disk0/enabled"), isContinuation: false, bench.request())
    #expect(try bench.cat("devices/disk0/enabled") == "0\n")
  }

  @Test("A mask without version_1 is refused with EINVAL, also by way of its bit")
  func maskWithoutVersion1() throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.invalid) { try bench.echo("0x200", "devices/disk0/features/mask") }
    #expect(throws: TreeError.invalid) {
      try bench.echo("0", "devices/disk0/features/bits/version_1")
    }
    #expect(try bench.cat("devices/disk0/features/mask") == "0xffffffffffffffff\n")
  }

  @Test(
    "A mask that is no hexadecimal number is refused with EINVAL",
    arguments: ["", "0x", "4294967296", "0x1g", "0x+100000000", "0x10000000000000000"])
  func malformedMask(mask: String) throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.invalid) { try bench.echo(mask, "devices/disk0/features/mask") }
  }

  @Test("The mask limits what is offered, and what needs a masked bit goes with it")
  func mask() throws {
    let bench = try Bench.withDisk()
    try bench.echo("0x100000A00", "devices/disk0/features/mask")
    #expect(try bench.cat("devices/disk0/features/offered") == "0x100000a00\n")
    try bench.echo("0", "devices/disk0/features/bits/flush")
    #expect(try bench.cat("devices/disk0/features/mask") == "0x100000800\n")
    #expect(try bench.cat("devices/disk0/features/offered") == "0x100000000\n")
    #expect(try bench.cat("devices/disk0/features/bits/config_wce") == "off\n")
  }

  @Test("A bit shows off, offered or acked, and takes what it shows")
  func bits() throws {
    let bench = try Bench.withLiveDisk()
    bench.world.report(LiveState(acked: 1 << 9), of: try bench.device("disk0"))
    #expect(try bench.cat("devices/disk0/features/bits/flush") == "acked\n")
    #expect(try bench.cat("devices/disk0/features/bits/blk_size") == "offered\n")
    #expect(try bench.cat("devices/disk0/features/bits/ro") == "off\n")
    try bench.echo("off", "devices/disk0/features/bits/ro")
    try bench.echo("acked", "devices/disk0/features/bits/flush")
    #expect(try bench.cat("devices/disk0/features/mask") == "0xffffffffffffffff\n")
    #expect(throws: TreeError.invalid) {
      try bench.echo("maybe", "devices/disk0/features/bits/ro")
    }
  }

  @Test("Status, queues and counters show what the engine reports")
  func liveState() throws {
    let bench = try Bench.withLiveDisk()
    let queue = QueueState(
      size: 128, state: .running, availableIndex: 7, usedIndex: 6, kicks: 3, interrupts: 2)
    bench.world.report(
      LiveState(isConnected: true, isRunning: true, queues: [queue], counters: [1, 4096]),
      of: try bench.device("disk0"))
    #expect(try bench.cat("devices/disk0/status") == "running\n")
    #expect(try bench.cat("devices/disk0/queues/0/indices") == "7 6\n")
    #expect(try bench.cat("devices/disk0/queues/0/state") == "running\n")
    #expect(try bench.cat("devices/disk0/stats/read_bytes") == "4096\n")
    #expect(try bench.cat("devices/disk0/stats/errors") == "0\n")
  }

  @Test("A fault shows in status and once in last_error, and wakes who polls")
  func fault() throws {
    let bench = try Bench.withLiveDisk()
    let device = try bench.device("disk0")
    bench.world.report(LiveState(isConnected: true, fault: "a chain loops"), of: device)
    bench.tree.liveStateChanged(device)
    let count = bench.world.committed.count
    bench.tree.liveStateChanged(device)
    #expect(bench.world.committed.count == count)
    #expect(try bench.cat("devices/disk0/status") == "faulted\n")
    #expect(try bench.cat("devices/disk0/last_error").contains("reason: a chain loops"))
    #expect(bench.world.woken.contains(try bench.node("devices/disk0/status")))
  }

  @Test("A host side that is gone shows as failed until the device is enabled anew")
  func failed() throws {
    let bench = try Bench.withLiveDisk()
    bench.tree.hostFailed(
      try bench.device("disk0"), HostRefusal(errno: 5, reason: "the engine ended too often"))
    #expect(try bench.cat("devices/disk0/status") == "failed\n")
    try bench.echo("0", "devices/disk0/enabled")
    try bench.echo("1", "devices/disk0/enabled")
    #expect(try bench.cat("devices/disk0/status") == "listening\n")
  }

  @Test("After a replay the tree says what has to be opened and started")
  func replay() throws {
    let bench = try Bench.withLiveDisk()
    try bench.mkdir("devices/disk1")
    try bench.echo("blk", "devices/disk1/type")
    try bench.echo("/srv/vm1.img", "devices/disk1/path")
    try bench.echo("1", "devices/disk1/enabled")
    let tree = bench.replayed()
    #expect(tree.enabledDevices().map(\.name.text) == ["disk0", "disk1"])
    let placements = tree.enabledDevices().compactMap { tree.placement(of: $0) }
    #expect(placements.map(\.device.name.text) == ["disk0"])
    #expect(placements.first?.device.facts == ["capacity": "1048576"])
  }
}
