import FuseMount
import LinuxSystem
import Model
import Testing

@Suite("ln -s plugs in, rm unplugs")
struct PluggingTests {
  @Test(
    "Any spelling of a target that ends in devices/<name> of this tree is taken",
    arguments: [
      "../../../devices/disk0", "devices/disk0", "devices/disk0/", "./devices//disk0",
      "/run/vbusfs/devices/disk0", "/elsewhere/bound/devices/disk0",
    ])
  func spellings(target: String) throws {
    let bench = try Bench.withDisk()
    try bench.ln(target, "containers/lab0/devices/disk0")
    #expect(try bench.readlink("containers/lab0/devices/disk0") == "../../../devices/disk0")
  }

  @Test("The link of a disabled device gives a dev-id, and nothing is started")
  func plugDisabled() throws {
    let bench = try Bench.withDisk()
    try bench.ln("devices/disk0", "containers/lab0/devices/disk0")
    #expect(try bench.ls("containers/lab0/ids") == ["0"])
    #expect(try bench.readlink("containers/lab0/ids/0/device") == "../../../../devices/disk0")
    #expect(try bench.cat("containers/lab0/ids/0/type") == "virtio-blk\n")
    #expect(try bench.readlink("devices/disk0/container") == "../../containers/lab0")
    #expect(bench.world.started.isEmpty)
  }

  @Test("The link of an enabled device answers when the device is live")
  func plugEnabled() throws {
    let bench = try Bench.withDisk()
    try bench.echo("1", "devices/disk0/enabled")
    let link = try bench.ln("devices/disk0", "containers/lab0/devices/x")
    #expect(link == .entry(try bench.node("containers/lab0/devices/x")))
    #expect(try bench.cat("devices/disk0/status") == "listening\n")
  }

  @Test("A device that the engine does not start is not plugged in")
  func startFails() throws {
    let bench = try Bench.withDisk()
    try bench.echo("1", "devices/disk0/enabled")
    bench.world.startResults = [
      .failure(HostRefusal(errno: Errno.timedOut.rawValue, reason: "the engine did not answer"))
    ]
    #expect(throws: TreeError.timedOut) {
      try bench.ln("devices/disk0", "containers/lab0/devices/disk0")
    }
    #expect(try bench.ls("containers/lab0/devices").isEmpty)
    #expect(try bench.cat("containers/lab0/last_error").contains("the engine did not answer"))
  }

  @Test("A dev-id is not given twice")
  func idsNotReused() throws {
    let bench = try Bench.withDisk()
    try bench.ln("devices/disk0", "containers/lab0/devices/disk0")
    try bench.rm("containers/lab0/devices/disk0")
    try bench.ln("devices/disk0", "containers/lab0/devices/disk0")
    #expect(try bench.ls("containers/lab0/ids") == ["1"])
  }

  @Test("Two links under way in one container get two dev-ids")
  func idsMeanwhile() throws {
    let bench = try Bench.withDisk()
    try bench.mkdir("devices/disk1")
    try bench.echo("blk", "devices/disk1/type")
    try bench.echo("/srv/vm1.img", "devices/disk1/path")
    try bench.echo("1", "devices/disk0/enabled")
    try bench.echo("1", "devices/disk1/enabled")
    let directory = try bench.node("containers/lab0/devices")
    for name in ["disk0", "disk1"] {
      let answer = try bench.tree.makeLink(
        Array(name.utf8), in: directory, to: Array("devices/\(name)".utf8), bench.request())
      #expect(answer == .later)
    }
    bench.world.run()
    #expect(try bench.ls("containers/lab0/ids") == ["0", "1"])
  }

  @Test("When two links under way want one name, the second is refused and stopped again")
  func nameMeanwhile() throws {
    let bench = try Bench.withDisk()
    try bench.mkdir("devices/disk1")
    try bench.echo("blk", "devices/disk1/type")
    try bench.echo("/srv/vm1.img", "devices/disk1/path")
    try bench.echo("1", "devices/disk0/enabled")
    try bench.echo("1", "devices/disk1/enabled")
    let directory = try bench.node("containers/lab0/devices")
    let (first, second) = (bench.request(), bench.request())
    _ = try bench.tree.makeLink(
      Array("x".utf8), in: directory, to: Array("devices/disk0".utf8), first)
    _ = try bench.tree.makeLink(
      Array("x".utf8), in: directory, to: Array("devices/disk1".utf8), second)
    bench.world.run()
    #expect(bench.world.finished[second.unique] == .failure(.exists))
    #expect(bench.world.live.keys.sorted() == [try bench.device("disk0")])
  }

  @Test(
    "A target of this tree that is no device is refused with EINVAL",
    arguments: [
      "../../../containers/lab0", "disk0", "/run/vbusfs/README", "devices/..", "devices",
      "/run/vbusfs", "/run/vbusfs/devices", "devices/disk0/type", "",
    ])
  func targetNoDevice(target: String) throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.invalid) { try bench.ln(target, "containers/lab0/devices/x") }
  }

  @Test("A target outside the tree is refused with EPERM")
  func targetOutside() throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.notPermitted) {
      try bench.ln("/etc/passwd", "containers/lab0/devices/x")
    }
  }

  @Test("A target device that does not exist is refused with ENOENT")
  func targetMissing() throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.noEntry) { try bench.ln("devices/no", "containers/lab0/devices/x") }
  }

  @Test("An untyped device is refused with EINVAL")
  func targetUntyped() throws {
    let bench = try Bench.withDisk()
    try bench.mkdir("devices/shell")
    #expect(throws: TreeError.invalid) {
      try bench.ln("devices/shell", "containers/lab0/devices/shell")
    }
  }

  @Test("A device that is plugged in is refused with EBUSY, elsewhere and here")
  func pluggedAlready() throws {
    let bench = try Bench.withLiveDisk()
    try bench.mkdir("containers/lab1")
    #expect(throws: TreeError.busy) { try bench.ln("devices/disk0", "containers/lab1/devices/x") }
    #expect(throws: TreeError.busy) {
      try bench.ln("devices/disk0", "containers/lab1/devices/CuA1b2C3")
    }
    #expect(throws: TreeError.busy) { try bench.ln("devices/disk0", "containers/lab0/devices/x") }
    #expect(throws: TreeError.busy) {
      try bench.ln("../../lab0/../containers/lab0/devices/disk0", "containers/lab1/devices/x")
    }
  }

  @Test("A link name that is taken answers EEXIST, a malformed one EINVAL")
  func linkName() throws {
    let bench = try Bench.withLiveDisk()
    #expect(throws: TreeError.exists) {
      try bench.ln("devices/disk0", "containers/lab0/devices/disk0")
    }
    #expect(throws: TreeError.invalid) {
      try bench.ln("devices/disk0", "containers/lab0/devices/.x")
    }
  }

  @Test(
    "ln -s anywhere else is refused with EPERM",
    arguments: ["x", "devices/x", "devices/disk0/x", "containers/x", "containers/lab0/ids/x"])
  func wrongPlace(path: String) throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.notPermitted) { try bench.ln("devices/disk0", path) }
  }

  @Test("rm of the link unplugs the device, which stays enabled")
  func unplug() throws {
    let bench = try Bench.withLiveDisk()
    #expect(try bench.rm("containers/lab0/devices/disk0") == .done)
    #expect(bench.world.live.isEmpty)
    #expect(try bench.cat("devices/disk0/status") == "enabled\n")
    #expect(throws: TreeError.noEntry) { try bench.readlink("devices/disk0/container") }
  }

  @Test("ln -sfn onto another device's link unplugs that one and plugs in the new one")
  func relinkOther() throws {
    let bench = try Bench.withLiveDisk()
    try bench.mkdir("devices/disk1")
    try bench.echo("blk", "devices/disk1/type")
    try bench.relink("../../../devices/disk1", "containers/lab0/devices/disk0")
    #expect(try bench.ls("containers/lab0/devices") == ["disk0"])
    #expect(try bench.readlink("containers/lab0/devices/disk0") == "../../../devices/disk1")
    #expect(bench.world.live.isEmpty)
  }

  @Test("ln -sfn of the same device keeps its dev-id and does not touch the engine")
  func relinkSame() throws {
    let bench = try Bench.withLiveDisk()
    try bench.relink("../../../devices/disk0", "containers/lab0/devices/disk0")
    #expect(try bench.ls("containers/lab0/devices") == ["disk0"])
    #expect(try bench.ls("containers/lab0/ids") == ["0"])
    #expect(bench.world.started.count == 1)
    #expect(try bench.cat("devices/disk0/status") == "listening\n")
  }

  @Test("The temporary link of ln -sfn cannot be kept under another name")
  func spareElsewhere() throws {
    let bench = try Bench.withLiveDisk()
    try bench.ln("devices/disk0", "containers/lab0/devices/CuA1b2C3")
    #expect(throws: TreeError.busy) {
      try bench.mv("containers/lab0/devices/CuA1b2C3", "containers/lab0/devices/again")
    }
  }

  @Test("rm of the first link takes the temporary one with it")
  func spareGoes() throws {
    let bench = try Bench.withLiveDisk()
    try bench.ln("devices/disk0", "containers/lab0/devices/CuA1b2C3")
    try bench.rm("containers/lab0/devices/disk0")
    #expect(try bench.ls("containers/lab0/devices").isEmpty)
  }

  @Test("mv of a link within its container renames it; to another container answers EPERM")
  func moveLink() throws {
    let bench = try Bench.withLiveDisk()
    try bench.mkdir("containers/lab1")
    try bench.mv("containers/lab0/devices/disk0", "containers/lab0/devices/root")
    #expect(try bench.ls("containers/lab0/devices") == ["root"])
    #expect(throws: TreeError.notPermitted) {
      try bench.mv("containers/lab0/devices/root", "containers/lab1/devices/root")
    }
  }

  @Test("mv of a link onto another with RENAME_NOREPLACE answers EEXIST")
  func moveOntoLink() throws {
    let bench = try Bench.withLiveDisk()
    try bench.mkdir("devices/disk1")
    try bench.echo("blk", "devices/disk1/type")
    try bench.ln("devices/disk1", "containers/lab0/devices/disk1")
    #expect(throws: TreeError.exists) {
      try bench.mv("containers/lab0/devices/disk1", "containers/lab0/devices/disk0")
    }
  }

  @Test("A link follows the renaming of its device")
  func linkFollows() throws {
    let bench = try Bench.withDisk()
    try bench.ln("devices/disk0", "containers/lab0/devices/disk0")
    try bench.mv("devices/disk0", "devices/root")
    #expect(try bench.readlink("containers/lab0/devices/disk0") == "../../../devices/root")
  }
}
