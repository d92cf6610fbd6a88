import ConfigTree
import FuseMount
import LinuxSystem
import Model
import Testing

@Suite("Who is attached to a container")
struct MembersTests {
  private static let since: UInt64 = 1_700_000_000_000_000_000
  private static let shell = MemberConnection(pid: 42, uid: 1000, since: since, openCount: 2)

  private static func bench(_ connections: [MemberConnection] = [shell]) throws -> Bench {
    let bench = Bench()
    try bench.mkdir("containers/lab0")
    bench.tree.membersChanged(connections, of: try bench.container("lab0"))
    return bench
  }

  @Test("members has a directory for each process, by its number, and allow")
  func listed() throws {
    let bench = try Self.bench(
      [Self.shell, MemberConnection(pid: 7, uid: 0, since: 1, openCount: 0)])
    #expect(try bench.ls("containers/lab0/members") == ["allow", "count", "7", "42"])
    #expect(try bench.ls("containers/lab0/members/42") == ["uid", "since", "devices"])
    #expect(try bench.cat("containers/lab0/members/count") == "2\n")
    #expect(try bench.stat("containers/lab0/members").linkCount == 4)
  }

  @Test("Its files tell the user, the time and how many devices are open")
  func files() throws {
    let bench = try Self.bench()
    #expect(try bench.cat("containers/lab0/members/42/uid") == "1000\n")
    #expect(try bench.cat("containers/lab0/members/42/since") == "2023-11-14T22:13:20.000Z\n")
    #expect(try bench.cat("containers/lab0/members/42/devices") == "2\n")
  }

  @Test("Several connections of one process are one: the oldest time, and all devices")
  func merged() throws {
    let later = MemberConnection(
      pid: 42, uid: 1000, since: Self.since + 1_000_000_000, openCount: 3)
    let bench = try Self.bench([later, Self.shell])
    #expect(try bench.ls("containers/lab0/members") == ["allow", "count", "42"])
    #expect(try bench.cat("containers/lab0/members/42/since") == "2023-11-14T22:13:20.000Z\n")
    #expect(try bench.cat("containers/lab0/members/42/devices") == "5\n")
  }

  @Test("A process that stays keeps its node numbers; one that comes again has others")
  func numbers() throws {
    let bench = try Self.bench()
    let lab0 = try bench.container("lab0")
    let first = try bench.node("containers/lab0/members/42")
    bench.tree.membersChanged(
      [MemberConnection(pid: 42, uid: 1000, since: Self.since, openCount: 9)], of: lab0)
    #expect(try bench.node("containers/lab0/members/42") == first)
    bench.tree.membersChanged([], of: lab0)
    bench.tree.membersChanged([Self.shell], of: lab0)
    #expect(try bench.node("containers/lab0/members/42") > first)
  }

  @Test("Whoever polls count or status is woken when one comes, and when one goes")
  func woken() throws {
    let bench = try Self.bench()
    let nodes = try ["members/count", "status"].map { try bench.node("containers/lab0/" + $0) }
    let member = try bench.node("containers/lab0/members/42")
    #expect(nodes.allSatisfy(bench.world.woken.contains))
    let before = bench.world.woken.count
    bench.tree.membersChanged([], of: try bench.container("lab0"))
    #expect(nodes.allSatisfy(bench.world.woken.dropFirst(before).contains))
    #expect(bench.world.ended.contains { $0.contains(member) })
  }

  @Test("Whoever polls the number of open devices is woken when it changes, and nobody else")
  func wokenByDevices() throws {
    let bench = try Self.bench()
    let before = bench.world.woken.count
    bench.tree.membersChanged(
      [MemberConnection(pid: 42, uid: 1000, since: Self.since, openCount: 3)],
      of: try bench.container("lab0"))
    let woken = bench.world.woken.dropFirst(before)
    #expect(woken.contains(try bench.node("containers/lab0/members/42/devices")))
    #expect(!woken.contains(try bench.node("containers/lab0/members/count")))
  }

  @Test("An engine that says the same again wakes nobody")
  func same() throws {
    let bench = try Self.bench()
    let before = bench.world.woken.count
    bench.tree.membersChanged([Self.shell], of: try bench.container("lab0"))
    #expect(bench.world.woken.count == before)
  }

  @Test("status is the engine's while somebody is attached, and idle after that")
  func status() throws {
    let bench = try Self.bench()
    bench.world.engine = EngineState(pid: 77, status: "running", restarts: 0)
    #expect(try bench.cat("containers/lab0/status") == "running\n")
    bench.tree.membersChanged([], of: try bench.container("lab0"))
    #expect(try bench.cat("containers/lab0/status") == "idle\n")
  }

  @Test("One that is gone has no files any more, not by an open number either")
  func gone() throws {
    let bench = try Self.bench()
    let file = try bench.node("containers/lab0/members/42/uid")
    bench.tree.membersChanged([], of: try bench.container("lab0"))
    #expect(throws: TreeError.noEntry) { try bench.node("containers/lab0/members/42") }
    #expect(throws: TreeError.noEntry) { try bench.tree.text(of: file) }
  }

  @Test("A process that is attached does not keep its container")
  func rmdir() throws {
    let bench = try Self.bench()
    let member = try bench.node("containers/lab0/members/42")
    try bench.rmdir("containers/lab0")
    #expect(throws: TreeError.noEntry) { try bench.tree.attributes(of: member) }
    #expect(bench.world.containers.isEmpty)
  }

  @Test("An engine that is ending has no members any more to tell of")
  func late() throws {
    let bench = try Self.bench()
    let lab0 = try bench.container("lab0")
    try bench.rmdir("containers/lab0")
    let before = bench.world.woken.count
    bench.tree.membersChanged([Self.shell], of: lab0)
    #expect(bench.world.woken.count == before)
  }

  @Test("A process of one container is no member of another")
  func elsewhere() throws {
    let bench = try Self.bench()
    try bench.mkdir("containers/lab1")
    #expect(try bench.cat("containers/lab1/members/count") == "0\n")
  }

  @Test(
    "What belongs to a process cannot be renamed, and has no mode of its own",
    arguments: ["containers/lab0/members/42", "containers/lab0/members/42/uid"])
  func fixed(path: String) throws {
    let bench = try Self.bench()
    #expect(throws: TreeError.notPermitted) { try bench.mv(path, "containers/lab0/members/9") }
    #expect(throws: TreeError.notPermitted) {
      try bench.change(OwnerChange(permissions: 0o600), path)
    }
  }

  @Test("Nothing is made or removed among the members by hand")
  func notMade() throws {
    let bench = try Self.bench()
    #expect(throws: TreeError.notPermitted) { try bench.mkdir("containers/lab0/members/9") }
    #expect(throws: TreeError.notPermitted) { try bench.rmdir("containers/lab0/members/42") }
    #expect(throws: TreeError.notPermitted) { try bench.rmdir("containers/lab0/members") }
    #expect(throws: TreeError.notPermitted) { try bench.rm("containers/lab0/members/allow") }
    #expect(throws: TreeError.accessDenied) { try bench.echo("0", "containers/lab0/members/count") }
    #expect(throws: TreeError.accessDenied) {
      try bench.echo("0", "containers/lab0/members/42/uid")
    }
  }

  @Test("touch of a process's directory is taken, and changes nothing")
  func touch() throws {
    let bench = try Self.bench()
    let before = bench.world.committed.count
    try bench.change(OwnerChange(), "containers/lab0/members/42")
    #expect(bench.world.committed.count == before)
  }
}

@Suite("Who may attach to a container")
struct AllowTests {
  @Test("Nobody besides, at first")
  func initially() throws {
    let bench = try Bench.withDisk()
    #expect(try bench.cat("containers/lab0/members/allow") == "\n")
    #expect(try bench.stat("containers/lab0/members/allow").permissions == 0o644)
  }

  @Test("What is written is shown in one form, told to the engine, and there after a replay")
  func written() throws {
    let bench = try Bench.withDisk()
    try bench.echo("@27  1001 1000 @4 1000", "containers/lab0/members/allow")
    #expect(try bench.cat("containers/lab0/members/allow") == "1000 1001 @4 @27\n")
    let lab0 = try bench.container("lab0")
    #expect(bench.world.containers[lab0]?.allowance == Allowance("1000 1001 @4 @27"))
    #expect(bench.replayed().model.containers[lab0]?.allowance.groups == [4, 27])
  }

  @Test("An empty line takes it back")
  func takenBack() throws {
    let bench = try Bench.withDisk()
    try bench.echo("1000", "containers/lab0/members/allow")
    try bench.echo("", "containers/lab0/members/allow")
    #expect(try bench.cat("containers/lab0/members/allow") == "\n")
    #expect(bench.world.containers[try bench.container("lab0")]?.allowance.isEmpty == true)
  }

  @Test("It stays when the container is renamed, or gets another owner")
  func stays() throws {
    let bench = try Bench.withDisk()
    try bench.echo("1000", "containers/lab0/members/allow")
    try bench.mv("containers/lab0", "containers/lab1")
    try bench.change(OwnerChange(uid: 42), "containers/lab1")
    #expect(try bench.cat("containers/lab1/members/allow") == "1000\n")
    #expect(bench.world.containers[try bench.container("lab1")]?.allowance.users == [1000])
  }

  @Test(
    "What is no list of numbers is refused with EINVAL, and the old one stays",
    arguments: [
      "root", "@", "-1", "+1", "1,2", "4294967295", "4294967296", "@4294967295", "1 @ 2", "@@1",
      "0x10", (0...32).map(String.init).joined(separator: " "),
      (0...32).map { "@\($0)" }.joined(separator: " "),
    ])
  func refused(text: String) throws {
    let bench = try Bench.withDisk()
    try bench.echo("1000", "containers/lab0/members/allow")
    #expect(throws: TreeError.invalid) { try bench.echo(text, "containers/lab0/members/allow") }
    #expect(try bench.cat("containers/lab0/members/allow") == "1000\n")
    #expect(
      try bench.cat("containers/lab0/last_error")
        .contains("path: containers/lab0/members/allow\n"))
  }

  @Test("32 of each are taken")
  func most() throws {
    let bench = try Bench.withDisk()
    let text = ((0..<32).map { "\($0)" } + (0..<32).map { "@\($0)" }).joined(separator: " ")
    try bench.echo(text, "containers/lab0/members/allow")
    #expect(try bench.cat("containers/lab0/members/allow") == text + "\n")
  }

  @Test("What cannot be stored is refused, and the engine is not told")
  func notStored() throws {
    let bench = try Bench.withDisk()
    bench.world.storeFailure = .noSpace
    #expect(throws: TreeError.noSpace) { try bench.echo("1", "containers/lab0/members/allow") }
    #expect(bench.world.containers[try bench.container("lab0")]?.allowance.isEmpty == true)
  }
}
