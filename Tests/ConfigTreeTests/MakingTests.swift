import FuseMount
import LinuxSystem
import Testing

@Suite("mkdir, rmdir and mv")
struct MakingTests {
  @Test("A new device has type, status and last_error")
  func newDevice() throws {
    let bench = Bench()
    try bench.mkdir("devices/disk0")
    #expect(try bench.ls("devices/disk0") == ["type", "status", "last_error"])
    #expect(try bench.cat("devices/disk0/type") == "\n")
    #expect(try bench.cat("devices/disk0/status") == "untyped\n")
  }

  @Test("The answer to mkdir is the node that lookup finds")
  func answerIsNode() throws {
    let bench = Bench()
    let answer = try bench.tree.makeDirectory(
      Array("disk0".utf8), in: bench.node("devices"), permissions: 0o755, bench.request())
    #expect(answer == .entry(try bench.node("devices/disk0")))
  }

  @Test("A new container has its directories at once")
  func newContainer() throws {
    let bench = Bench()
    try bench.mkdir("containers/lab0")
    #expect(
      try bench.ls("containers/lab0")
        == ["devices", "ids", "members", "socket", "engine", "status", "last_error"])
    #expect(try bench.cat("containers/lab0/status") == "idle\n")
  }

  @Test("A second mkdir of a name answers EEXIST", arguments: ["devices/a", "containers/a"])
  func duplicate(path: String) throws {
    let bench = Bench()
    try bench.mkdir(path)
    #expect(throws: TreeError.exists) { try bench.mkdir(path) }
  }

  @Test(
    "A malformed name is refused with EINVAL, a sentence, and no directory",
    arguments: [".hidden", "a\u{1}b", "tab\tname", "\u{7f}", "new\nline"])
  func malformedName(name: String) throws {
    let bench = Bench()
    #expect(throws: TreeError.invalid) { try bench.mkdir("devices/" + name) }
    #expect(try bench.ls("devices").isEmpty)
    #expect(try bench.cat("last_error").contains("reason: the name is empty, starts with a dot"))
  }

  @Test("A name that is no UTF-8 is refused with EINVAL")
  func nameWithoutText() throws {
    let bench = Bench()
    let devices = try bench.node("devices")
    #expect(throws: TreeError.invalid) {
      try bench.tree.makeDirectory([0x61, 0xff], in: devices, permissions: 0o755, bench.request())
    }
  }

  @Test("A name of 64 bytes is taken")
  func longestName() throws {
    let bench = Bench()
    let name = String(repeating: "n", count: 64)
    try bench.mkdir("containers/" + name)
    #expect(try bench.ls("containers") == [name])
  }

  @Test(
    "A name of 65 bytes is refused with ENAMETOOLONG", arguments: ["devices/", "containers/"])
  func tooLongName(directory: String) throws {
    let bench = Bench()
    #expect(throws: TreeError.nameTooLong) {
      try bench.mkdir(directory + String(repeating: "n", count: 65))
    }
  }

  @Test("A device whose socket would have a path over 107 bytes is refused with ENAMETOOLONG")
  func socketPathTooLong() throws {
    let bench = Bench()
    bench.world.socketDirectory = "/" + String(repeating: "d", count: 99)
    try bench.mkdir("devices/fits0")
    #expect(throws: TreeError.nameTooLong) { try bench.mkdir("devices/toolong") }
    #expect(try bench.cat("last_error").contains("a UNIX socket takes 107"))
  }

  @Test("A device whose link to the socket would have a path over 107 bytes is refused too")
  func linkPathTooLong() throws {
    let bench = Bench()
    bench.world.mountPoint = "/" + String(repeating: "m", count: 89)
    try bench.mkdir("devices/a")
    #expect(throws: TreeError.nameTooLong) { try bench.mkdir("devices/ab") }
  }

  @Test(
    "mkdir elsewhere is refused with EPERM",
    arguments: [
      "new", "classes/new", "devices/disk0/new", "devices/disk0/features/new",
      "containers/lab0/new", "containers/lab0/devices/new", "containers/lab0/ids/7",
    ])
  func wrongPlace(path: String) throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.notPermitted) { try bench.mkdir(path) }
  }

  @Test("rmdir destroys a device with all its files")
  func removeDevice() throws {
    let bench = try Bench.withDisk()
    try bench.rmdir("devices/disk0")
    #expect(try bench.ls("devices").isEmpty)
    #expect(throws: TreeError.noEntry) { try bench.cat("devices/disk0/type") }
  }

  @Test(
    "rmdir wakes who polls a file that goes with it",
    arguments: [
      ("devices/disk0", "devices/disk0/status"), ("containers/lab0", "containers/lab0/status"),
    ])
  func wakes(directory: String, file: String) throws {
    let bench = try Bench.withDisk()
    let node = try bench.node(file)
    try bench.rmdir(directory)
    #expect(bench.world.ended.count == 1)
    #expect(bench.world.ended.allSatisfy { $0.contains(node) })
  }

  @Test("rmdir of an enabled device that is not plugged in closes its host side")
  func removeEnabledDevice() throws {
    let bench = try Bench.withDisk()
    try bench.echo("1", "devices/disk0/enabled")
    try bench.rmdir("devices/disk0")
    #expect(bench.world.openHosts.isEmpty)
  }

  @Test("rmdir of a device that is plugged in is refused with EBUSY and says where")
  func removeLinkedDevice() throws {
    let bench = try Bench.withLiveDisk()
    #expect(throws: TreeError.busy) { try bench.rmdir("devices/disk0") }
    #expect(try bench.cat("devices/disk0/last_error").contains("containers/lab0"))
  }

  @Test("rmdir of a container with links is refused with ENOTEMPTY")
  func removeFullContainer() throws {
    let bench = try Bench.withLiveDisk()
    #expect(throws: TreeError.notEmpty) { try bench.rmdir("containers/lab0") }
  }

  @Test("rmdir of a container while a link is being made in it is refused with ENOTEMPTY")
  func removeContainerMeanwhile() throws {
    let bench = try Bench.withDisk()
    try bench.echo("1", "devices/disk0/enabled")
    let answer = try bench.tree.makeLink(
      Array("disk0".utf8), in: bench.node("containers/lab0/devices"),
      to: Array("devices/disk0".utf8), bench.request())
    #expect(answer == .later)
    #expect(throws: TreeError.notEmpty) { try bench.rmdir("containers/lab0") }
  }

  @Test("rmdir of an empty container removes it")
  func removeContainer() throws {
    let bench = try Bench.withDisk()
    try bench.rmdir("containers/lab0")
    #expect(try bench.ls("containers").isEmpty)
  }

  @Test(
    "rmdir of what belongs to the tree is refused with EPERM",
    arguments: [
      "devices", "containers", "classes", "classes/blk", "devices/disk0/features",
      "devices/disk0/queues/0", "devices/disk0/stats", "containers/lab0/devices",
      "containers/lab0/ids", "containers/lab0/engine",
    ])
  func removeFixed(path: String) throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.notPermitted) { try bench.rmdir(path) }
  }

  @Test("rmdir of a file answers ENOTDIR, of nothing ENOENT")
  func removeFileOrNothing() throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.notDirectory) { try bench.rmdir("devices/disk0/type") }
    #expect(throws: TreeError.noEntry) { try bench.rmdir("devices/none") }
  }

  @Test(
    "rm of a file or a link of the tree is refused with EPERM",
    arguments: [
      "README", "version", "devices/disk0/type", "devices/disk0/path", "devices/disk0/socket",
      "devices/disk0/container", "containers/lab0/ids/0/device", "devices/disk0/features/mask",
    ])
  func removeAttribute(path: String) throws {
    let bench = try Bench.withLiveDisk()
    #expect(throws: TreeError.notPermitted) { try bench.rm(path) }
  }

  @Test("A directory node keeps its number through mv, and a removed one's is not given again")
  func numbersStay() throws {
    let bench = Bench()
    try bench.mkdir("devices/a")
    let number = try bench.node("devices/a")
    try bench.mv("devices/a", "devices/b")
    #expect(try bench.node("devices/b") == number)
    try bench.rmdir("devices/b")
    try bench.mkdir("devices/a")
    #expect(try bench.node("devices/a") != number)
  }

  @Test("mv of a live device is refused with EBUSY")
  func moveLive() throws {
    let bench = try Bench.withLiveDisk()
    #expect(throws: TreeError.busy) { try bench.mv("devices/disk0", "devices/disk1") }
    #expect(throws: TreeError.busy) { try bench.mv("containers/lab0", "containers/lab1") }
  }

  @Test("mv onto an existing name answers EEXIST, with and without RENAME_NOREPLACE")
  func moveOnto() throws {
    let bench = try Bench.withDisk()
    try bench.mkdir("devices/disk1")
    #expect(throws: TreeError.exists) { try bench.mv("devices/disk0", "devices/disk1") }
    #expect(throws: TreeError.exists) {
      try bench.mv("devices/disk0", "devices/disk1", replacing: true)
    }
  }

  @Test("mv to another directory or of a fixed file is refused with EPERM")
  func moveElsewhere() throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.notPermitted) { try bench.mv("devices/disk0", "containers/disk0") }
    #expect(throws: TreeError.notPermitted) {
      try bench.mv("devices/disk0/path", "devices/disk0/path2")
    }
    #expect(throws: TreeError.notPermitted) { try bench.mv("devices", "appliances") }
  }

  @Test("mv to a malformed name is refused with EINVAL")
  func moveToMalformed() throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.invalid) { try bench.mv("devices/disk0", "devices/.disk0") }
  }

  @Test("A change that cannot be stored fails with the store's errno and changes nothing")
  func storeFails() throws {
    let bench = Bench()
    bench.world.storeFailure = .noSpace
    #expect(throws: TreeError.noSpace) { try bench.mkdir("devices/disk0") }
    #expect(try bench.ls("devices").isEmpty)
  }
}
