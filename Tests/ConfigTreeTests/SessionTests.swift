import ConfigTree
import FuseMount
import LinuxSystem
import Model
import Testing

@Suite("What sessions make, and what they may")
struct SessionTests {
  private static let session = SessionID(rawValue: 9)

  private static func request(_ bench: Bench, _ number: UInt64 = 1) -> Request {
    var request = bench.request()
    request.session = Request.Session(number: session.rawValue, request: number)
    return request
  }

  private static func mkdir(_ bench: Bench, _ directory: String, _ name: String) throws {
    _ = try bench.tree.makeDirectory(
      Array(name.utf8), in: bench.node(directory), permissions: 0o755, request(bench))
  }

  private static func type(_ bench: Bench, _ className: String, _ device: String) throws {
    _ = try bench.tree.store(
      Array(className.utf8), in: bench.node("devices/\(device)/type"), isContinuation: false,
      request(bench))
  }

  @Test("What a session makes is marked as its own, and so it is after a replay")
  func marked() throws {
    let bench = Bench()
    try Self.mkdir(bench, "containers", "c")
    try Self.mkdir(bench, "devices", "d")
    let objects = [try bench.container("c"), try bench.device("d")]
    #expect(bench.tree.model.objects(of: Self.session) == objects)
    #expect(bench.replayed().model.objects(of: Self.session) == objects)
    #expect(
      bench.tree.model.sessionMarks[objects[1]] == SessionMark(session: Self.session, request: 1))
  }

  @Test("What others make is not")
  func notMarked() throws {
    let bench = try Bench.withDisk()
    #expect(bench.tree.model.sessionMarks.isEmpty)
  }

  @Test("A mark goes with its object")
  func gone() throws {
    let bench = Bench()
    try Self.mkdir(bench, "devices", "d")
    try bench.rmdir("devices/d")
    #expect(bench.tree.model.sessionMarks.isEmpty)
    #expect(bench.replayed().model.sessionMarks.isEmpty)
  }

  @Test("The kernel remembers nothing of it, for it goes without its asking")
  func lasting() throws {
    let bench = Bench()
    try Self.mkdir(bench, "containers", "c")
    try Self.mkdir(bench, "devices", "d")
    try Self.type(bench, "rng", "d")
    try bench.ln("devices/d", "containers/c/devices/d")
    for path in ["devices/d", "devices/d/type", "containers/c", "containers/c/devices/d"] {
      #expect(try bench.stat(path).lasting == .nothing, "\(path)")
    }
  }

  @Test("The answer it gets is kept, and forgotten with it")
  func replies() throws {
    let bench = Bench()
    let reply = SessionReply(request: 3, text: "ok\n")
    try bench.tree.keep(reply, of: Self.session)
    #expect(bench.replayed().model.sessionReplies == [Self.session: reply])
    try bench.tree.forget(Self.session)
    #expect(bench.replayed().model.sessionReplies.isEmpty)
  }

  @Test("session_classes names what it may make devices of, in order")
  func classes() throws {
    let bench = Bench()
    #expect(try bench.cat("session_classes") == "console net rng\n")
    try bench.echo(" rng blk rng ", "session_classes")
    #expect(try bench.cat("session_classes") == "blk rng\n")
    #expect(try bench.replayed().text(of: bench.node("session_classes")) == Array("blk rng\n".utf8))
  }

  @Test("A class that is not among them is refused with EPERM, and nothing else is")
  func classRefused() throws {
    let bench = Bench()
    try Self.mkdir(bench, "devices", "d")
    #expect(throws: TreeError.notPermitted) { try Self.type(bench, "blk", "d") }
    #expect(try bench.cat("devices/d/last_error").contains("accepted: console net rng\n"))
    try Self.type(bench, "rng", "d")
    #expect(try bench.cat("devices/d/type") == "rng\n")
  }

  @Test("A class that is not known is refused with ENOENT, as everybody's")
  func classUnknown() throws {
    let bench = Bench()
    try Self.mkdir(bench, "devices", "d")
    #expect(throws: TreeError.noEntry) { try Self.type(bench, "nope", "d") }
  }

  @Test("session_classes takes known classes alone", arguments: ["nope", "rng,net", "rng nope"])
  func classesRefused(text: String) throws {
    let bench = Bench()
    #expect(throws: TreeError.noEntry) { try bench.echo(text, "session_classes") }
    #expect(try bench.cat("session_classes") == "console net rng\n")
  }

  @Test("No class at all is well, and then a session makes no device")
  func noClass() throws {
    let bench = Bench()
    try bench.echo("", "session_classes")
    #expect(try bench.cat("session_classes") == "\n")
    try Self.mkdir(bench, "devices", "d")
    #expect(throws: TreeError.notPermitted) { try Self.type(bench, "rng", "d") }
  }

  @Test("A 17th device is refused with EDQUOT, and one more after another has gone")
  func full() throws {
    let bench = Bench()
    for number in 0..<16 { try Self.mkdir(bench, "devices", "d\(number)") }
    #expect(throws: TreeError(.quotaExceeded)) { try Self.mkdir(bench, "devices", "more") }
    #expect(try bench.cat("last_error").contains("reason: the session has 16 devices already\n"))
    try bench.rmdir("devices/d3")
    try Self.mkdir(bench, "devices", "more")
    #expect(try bench.ls("devices").count == 16)
  }

  @Test("Why a request was refused can be asked, and only of that one")
  func refusal() throws {
    let bench = Bench()
    let request = Self.request(bench)
    #expect(throws: TreeError.exists) {
      for _ in 0..<2 {
        _ = try bench.tree.makeDirectory(
          Array("d".utf8), in: bench.node("devices"), permissions: 0o755, request)
      }
    }
    #expect(bench.tree.refusal(of: request) == .nameTaken)
    #expect(bench.tree.refusal(of: bench.request()) == nil)
  }

  @Test("session leads to its socket, and belongs to the tree")
  func socket() throws {
    let bench = Bench()
    #expect(try bench.readlink("session") == "/run/vbusfs.d/session")
    #expect(throws: TreeError.notPermitted) { try bench.rm("session") }
  }
}
