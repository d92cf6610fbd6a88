import ConfigTree
import FuseMount
import LinuxSystem
import Model
import Testing

@Suite("Values")
struct WritingTests {
  @Test("Writing type makes the class's files appear, type first and enabled last")
  func typed() throws {
    let bench = try Bench.withDisk()
    let names = try bench.ls("devices/disk0")
    #expect(names.first == "type")
    #expect(names.last == "enabled")
    #expect(names.contains("capacity"))
    #expect(try bench.cat("devices/disk0/status") == "offline\n")
  }

  @Test("An unknown class answers ENOENT and names those there are")
  func unknownClass() throws {
    let bench = Bench()
    try bench.mkdir("devices/d")
    #expect(throws: TreeError.noEntry) { try bench.echo("toaster", "devices/d/type") }
    #expect(try bench.cat("devices/d/last_error").contains("accepted: blk"))
    #expect(try bench.cat("devices/d/type") == "\n")
  }

  @Test("Writing type again answers EINVAL, also the same type")
  func retype() throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.invalid) { try bench.echo("blk", "devices/disk0/type") }
  }

  @Test("A value counts the same with and without a newline at its end")
  func newline() throws {
    let bench = try Bench.withDisk()
    try bench.write(Array("2048".utf8), "devices/disk0/block_size")
    #expect(try bench.cat("devices/disk0/block_size") == "2048\n")
  }

  @Test(
    "A value with a newline or a NUL inside, or no UTF-8, is refused with EINVAL",
    arguments: [Array("/a\n/b\n".utf8), Array("/a\n\n".utf8), [47, 0, 97], [47, 0xff, 10]])
  func notText(bytes: [UInt8]) throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.invalid) { try bench.write(bytes, "devices/disk0/path") }
    #expect(try bench.cat("devices/disk0/path") == "/srv/vm0.img\n")
  }

  @Test("A second write of one open is refused with EINVAL")
  func continuation() throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.invalid) {
      try bench.write(Array("b\n".utf8), "devices/disk0/serial", isContinuation: true)
    }
    #expect(try bench.cat("devices/disk0/last_error").contains("one write is one value"))
  }

  @Test("A value over 4096 bytes is refused with EFBIG")
  func tooLong() throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.fileTooLarge) {
      try bench.echo("/" + String(repeating: "x", count: 4096), "devices/disk0/path")
    }
  }

  @Test(
    "A bad value is refused with EINVAL and the old one stays",
    arguments: [
      ("path", "relative/path"), ("backend", "tape"), ("capacity", "1000"), ("capacity", "-512"),
      ("capacity", "+512"), ("capacity", "16E"), ("capacity", "20000000T"), ("capacity", ""),
      ("block_size", "513"), ("read_only", "2"), ("serial", "123456789012345678901"),
      ("serial", "t\u{e9}st"), ("num_queues", "0"), ("num_queues", "65"), ("num_queues", " 1"),
    ])
  func badValue(attribute: String, value: String) throws {
    let bench = try Bench.withDisk()
    let old = try bench.cat("devices/disk0/" + attribute)
    #expect(throws: TreeError.invalid) { try bench.echo(value, "devices/disk0/" + attribute) }
    #expect(try bench.cat("devices/disk0/" + attribute) == old)
  }

  @Test(
    "A value is shown in its one form",
    arguments: [
      ("capacity", "64M", "67108864"), ("capacity", "1g", "1073741824"), ("read_only", "on", "1"),
      ("read_only", "n", "0"), ("num_queues", "004", "4"), ("path", "", ""),
    ])
  func canonical(attribute: String, written: String, shown: String) throws {
    let bench = try Bench.withDisk()
    try bench.echo(written, "devices/disk0/" + attribute)
    #expect(try bench.cat("devices/disk0/" + attribute) == shown + "\n")
  }

  @Test("A path into the tree itself is refused with ELOOP at once")
  func ownTree() throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.tooManyLinks) {
      try bench.echo("/run/vbusfs/version", "devices/disk0/path")
    }
  }

  @Test("A path that leads through the tree and out again is left to the opening")
  func throughOwnTree() throws {
    let bench = try Bench.withDisk()
    try bench.echo("/run/vbusfs/../vm0.img", "devices/disk0/path")
    #expect(try bench.cat("devices/disk0/path") == "/run/vbusfs/../vm0.img\n")
  }

  @Test(
    "A write with other rights than the file was opened with is refused with EPERM",
    arguments: [(1000, 1000), (1000, 0), (1, 0)] as [(UInt32, UInt32)])
  func handedOn(uid: UInt32, gid: UInt32) throws {
    let bench = try Bench.withDisk()
    let (node, text) = (try bench.node("devices/disk0/path"), Array("/etc/shadow".utf8))
    var request = Request(unique: 900, slot: 0, uid: 0, gid: 0, pid: 1)
    request.opener = Request.Opener(uid: uid, gid: gid)
    #expect(throws: TreeError.notPermitted) {
      try bench.tree.store(text, in: node, isContinuation: false, request)
    }
    #expect(try bench.cat("devices/disk0/path") == "/srv/vm0.img\n")
    #expect(
      try bench.cat("devices/disk0/last_error")
        .contains("reason: who writes has other rights than who opened the file\n"))
  }

  @Test("What root opened others may write to")
  func handedDown() throws {
    let bench = try Bench.withDisk()
    let (node, text) = (try bench.node("devices/disk0/path"), Array("/srv/vm1.img".utf8))
    var request = bench.request(uid: 1000)
    request.opener = Request.Opener(uid: 0, gid: 0)
    _ = try bench.tree.store(text, in: node, isContinuation: false, request)
    #expect(try bench.cat("devices/disk0/path") == "/srv/vm1.img\n")
  }

  @Test("A value is kept with the rights of its writer")
  func writer() throws {
    let bench = try Bench.withDisk()
    let device = try bench.device("disk0")
    #expect(
      bench.tree.model.devices[device]?.values["path"]?.writer
        == Credentials(uid: 1000, gid: 1000, groups: [1000, 27]))
  }

  @Test(
    "Writing what can only be read is refused with EACCES",
    arguments: [
      "README", "devices/disk0/status", "devices/disk0/features/offered",
      "devices/disk0/stats/read_ops", "devices/disk0/queues/0/size", "classes/blk/description",
      "containers/lab0/status", "devices/disk0/last_error",
    ])
  func readOnly(path: String) throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.accessDenied) { try bench.echo("1", path) }
  }

  @Test("Writing a directory answers EISDIR")
  func directory() throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.isDirectory) { try bench.echo("1", "devices/disk0/features") }
  }

  @Test("Writing a file whose device is gone answers ENODEV")
  func gone() throws {
    let bench = try Bench.withDisk()
    let node = try bench.node("devices/disk0/path")
    try bench.rmdir("devices/disk0")
    #expect(throws: TreeError.noDevice) {
      try bench.tree.store([47], in: node, isContinuation: false, bench.request())
    }
  }

  @Test("An offline attribute of an enabled device is refused with EBUSY and a sentence")
  func windowOffline() throws {
    let bench = try Bench.withDisk()
    try bench.echo("1", "devices/disk0/enabled")
    #expect(throws: TreeError.busy) { try bench.echo("/other", "devices/disk0/path") }
    #expect(try bench.cat("devices/disk0/last_error").contains("accepted: first echo 0 > enabled"))
  }

  @Test("An until-open attribute is refused with EBUSY while a guest is attached")
  func windowOpen() throws {
    let bench = try Bench.withLiveDisk()
    bench.world.report(LiveState(isConnected: true), of: try bench.device("disk0"))
    #expect(throws: TreeError.busy) { try bench.echo("s1", "devices/disk0/serial") }
    #expect(throws: TreeError.busy) { try bench.echo("0", "devices/disk0/features/bits/flush") }
  }

  @Test("An until-open attribute of a live device starts it anew with the new value")
  func restart() throws {
    let bench = try Bench.withLiveDisk()
    try bench.echo("s1", "devices/disk0/serial")
    #expect(bench.world.started.last?.values["serial"]?.text == "s1")
    #expect(try bench.cat("devices/disk0/serial") == "s1\n")
  }

  @Test("A new value that the engine does not take leaves the old one in force")
  func restartFails() throws {
    let bench = try Bench.withLiveDisk()
    bench.world.startResults = [
      .failure(HostRefusal(errno: Errno.inputOutput.rawValue, reason: "no")), .success(()),
    ]
    #expect(throws: TreeError.inputOutput) { try bench.echo("s1", "devices/disk0/serial") }
    #expect(try bench.cat("devices/disk0/serial") == "\n")
    #expect(try bench.cat("devices/disk0/status") == "listening\n")
  }

  @Test("A refusal that cannot be recorded keeps its own errno")
  func recordFails() throws {
    let bench = try Bench.withDisk()
    bench.world.storeFailure = .noSpace
    #expect(throws: TreeError.invalid) { try bench.echo("x", "devices/disk0/read_only") }
  }

  @Test("last_error has time, path, value, errno, reason and what is accepted")
  func lastError() throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.invalid) { try bench.echo("t\u{7}x\\", "devices/disk0/backend") }
    let text = """
      time: 2023-11-14T22:13:20.123Z
      path: devices/disk0/backend
      value: t\\x07x\\\\\\n
      errno: EINVAL (Invalid argument)
      reason: the value is not understood or out of range
      accepted: file memory null

      """
    #expect(try bench.cat("devices/disk0/last_error") == text)
    #expect(try bench.cat("last_error") == text)
  }

  @Test("A long value is cut in last_error")
  func cut() throws {
    let bench = try Bench.withDisk()
    #expect(throws: TreeError.invalid) {
      try bench.echo(String(repeating: "x", count: 1000), "devices/disk0/path")
    }
    let line = "value: " + String(repeating: "x", count: 256) + "...\n"
    #expect(try bench.cat("devices/disk0/last_error").contains(line))
  }
}
