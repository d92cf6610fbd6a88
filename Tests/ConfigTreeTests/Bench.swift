import ConfigTree
import Devices
import FuseMount
import LinuxSystem
import Model
import Testing

/// A tree with its world, worked on by paths as a shell does.
final class Bench {
  let world: TestWorld
  let tree: ConfigTree
  var kernel = Kernel()
  private let classes: Catalogue
  private var lastUnique: UInt64 = 0

  init(_ world: TestWorld = TestWorld(), _ classes: Catalogue = catalogue) {
    self.world = world
    self.classes = classes
    tree = ConfigTree(
      classes, world: world, owner: Owner(uid: 0, gid: 0, permissions: 0o755))
  }

  /// With one typed, complete, disabled device and one container.
  static func withDisk() throws -> Bench {
    let bench = Bench()
    try bench.mkdir("containers/lab0")
    try bench.mkdir("devices/disk0")
    try bench.echo("blk", "devices/disk0/type")
    try bench.echo("/srv/vm0.img", "devices/disk0/path")
    return bench
  }

  /// The same, enabled and plugged in.
  static func withLiveDisk() throws -> Bench {
    let bench = try withDisk()
    try bench.echo("1", "devices/disk0/enabled")
    try bench.ln("../../../devices/disk0", "containers/lab0/devices/disk0")
    return bench
  }

  func request(uid: UInt32 = 1000) -> Request {
    lastUnique += 1
    return Request(unique: lastUnique, slot: 0, uid: uid, gid: 1000, pid: 4711)
  }

  /// The names of a path and the node of its directory.
  private func split(_ path: String) throws -> (NodeID, [UInt8]) {
    let parts = path.split(separator: "/").map { Array($0.utf8) }
    let parent = try parts.dropLast().reduce(NodeID.root) { try tree.lookup($1.span, in: $0) }
    return (parent, parts.last ?? [])
  }

  func node(_ path: String) throws -> NodeID {
    try path.split(separator: "/").reduce(NodeID.root) {
      try tree.lookup(Array($1.utf8).span, in: $0)
    }
  }

  /// The answer to an operation on a file or on names of a directory, also where it came later.
  private func answer(
    at node: NodeID, _ names: [[UInt8]] = [],
    _ operation: (Request) throws(TreeError) -> Answer
  ) throws -> Answer {
    let request = request()
    var answer = try operation(request)
    if answer == .later {
      world.run()
      guard let result = world.finished[request.unique] else { return .later }
      answer = try result.get()
    }
    kernel.answered(at: node, names, tree)
    return answer
  }

  func mkdir(_ path: String, permissions: UInt32 = 0o755) throws {
    let (parent, name) = try split(path)
    _ = try tree.makeDirectory(name, in: parent, permissions: permissions, request())
    kernel.answered(at: parent, [name], tree)
  }

  @discardableResult
  func rmdir(_ path: String) throws -> Answer {
    let (parent, name) = try split(path)
    return try answer(at: parent, [name]) { request throws(TreeError) in
      try tree.removeDirectory(name, in: parent, request)
    }
  }

  @discardableResult
  func ln(_ target: String, _ path: String) throws -> Answer {
    let (parent, name) = try split(path)
    return try answer(at: parent, [name]) { request throws(TreeError) in
      try tree.makeLink(name, in: parent, to: Array(target.utf8), request)
    }
  }

  @discardableResult
  func rm(_ path: String) throws -> Answer {
    let (parent, name) = try split(path)
    return try answer(at: parent, [name]) { request throws(TreeError) in
      try tree.removeFile(name, in: parent, request)
    }
  }

  @discardableResult
  func mv(_ path: String, _ newPath: String, replacing: Bool = false) throws -> Answer {
    let (parent, name) = try split(path)
    let (newParent, newName) = try split(newPath)
    return try answer(at: parent, [name, newName]) { request throws(TreeError) in
      try tree.rename(
        name, in: parent, to: newName, in: newParent, replacing: replacing, request)
    }
  }

  /// `ln -sfn` as coreutils does it, onto a name that is taken.
  func relink(_ target: String, _ path: String) throws {
    let temporary = path.split(separator: "/").dropLast().joined(separator: "/") + "/CuA1b2C3"
    try ln(target, temporary)
    try mv(temporary, path, replacing: true)
  }

  @discardableResult
  func echo(_ text: String, _ path: String) throws -> Answer {
    try write(Array(text.utf8) + [10], path)
  }

  @discardableResult
  func write(_ bytes: [UInt8], _ path: String, isContinuation: Bool = false) throws -> Answer {
    let node = try node(path)
    return try answer(at: node) { request throws(TreeError) in
      try tree.store(bytes, in: node, isContinuation: isContinuation, request)
    }
  }

  /// Begins a write that needs other processes, which have not answered yet.
  func begin(_ text: String, _ path: String) throws -> Request {
    let request = request()
    let answer = try tree.store(
      Array(text.utf8) + [10], in: node(path), isContinuation: false, request)
    #expect(answer == .later)
    return request
  }

  func change(_ change: OwnerChange, _ path: String) throws {
    let node = try node(path)
    _ = try answer(at: node) { request throws(TreeError) in
      try tree.change(change, of: node, request)
    }
  }

  func cat(_ path: String) throws -> String {
    String(decoding: try tree.text(of: node(path)), as: UTF8.self)
  }

  func ls(_ path: String) throws -> [String] {
    try tree.entries(of: node(path)).map { String(decoding: $0.name, as: UTF8.self) }
  }

  func readlink(_ path: String) throws -> String {
    String(decoding: try tree.linkTarget(of: node(path)), as: UTF8.self)
  }

  func stat(_ path: String) throws -> NodeAttributes { try tree.attributes(of: node(path)) }

  func device(_ name: String) throws -> ObjectID {
    ObjectID(rawValue: try node("devices/" + name).rawValue >> 16)
  }

  func container(_ name: String) throws -> ObjectID {
    ObjectID(rawValue: try node("containers/" + name).rawValue >> 16)
  }

  /// Another tree, from what this one committed.
  func replayed() -> ConfigTree {
    let tree = ConfigTree(
      classes, world: TestWorld(), owner: Owner(uid: 0, gid: 0, permissions: 0o755))
    tree.load(world.committed)
    return tree
  }
}

extension TreeError {
  /// For `#expect(throws:)`.
  static let notPermitted = TreeError(.notPermitted)
  static let noEntry = TreeError(.noEntry)
  static let busy = TreeError(.busy)
  static let exists = TreeError(.exists)
  static let invalid = TreeError(.invalid)
  static let notEmpty = TreeError(.notEmpty)
  static let nameTooLong = TreeError(.nameTooLong)
  static let accessDenied = TreeError(.accessDenied)
  static let fileTooLarge = TreeError(.fileTooLarge)
  static let isDirectory = TreeError(.isDirectory)
  static let notDirectory = TreeError(.notDirectory)
  static let tooManyLinks = TreeError(.tooManyLinks)
  static let noSpace = TreeError(.noSpace)
  static let timedOut = TreeError(.timedOut)
  static let inputOutput = TreeError(.inputOutput)
  static let interrupted = TreeError(.interrupted)
  static let noDevice = TreeError(.noDevice)
}
