import LinuxSystem
import Model
import Testing

@testable import Store

@Suite("The store")
final class StoreTests {
  let path = "/tmp/vbusfs-store-\(processNumber())-\(monotonicNanoseconds())"

  deinit { for suffix in ["", "-wal", "-shm", "-journal"] { try? unlink(path + suffix) } }

  private func store(isDurable: Bool = false) throws -> Store {
    try Store(path: path, isDurable: isDurable)
  }

  private func reloaded(_ changes: [Change]) throws -> [Change] {
    do {
      let store = try store()
      try store.commit(changes, answering: nil, with: .done)
    }
    return try store().load()
  }

  static let owner = Owner(uid: 1000, gid: .max, permissions: 0o750)

  /// One row of each kind, with values at their limits.
  static func rows() throws -> [Change] {
    let writer = Credentials(uid: .max, gid: 5, groups: [0, 4, .max])
    let device = ObjectID(rawValue: 2)
    let container = ObjectID(rawValue: 1)
    return [
      .putNextID(ObjectID(rawValue: .max)),
      .putContainer(
        Container(
          id: container, name: try Name("läb"), owner: owner, nextDevID: 1 << 32, changed: .max)),
      .putDevice(
        Device(
          id: device, name: try Name("disk 0"), className: "blk", isEnabled: true, mask: .max,
          owner: owner, changed: 1)),
      .putDevice(
        Device(id: ObjectID(rawValue: 3), name: try Name("bare"), owner: owner, changed: 0)),
      .putValue(
        device: device, attribute: "path",
        value: StoredValue(text: "/a\nb\u{0}c", writer: writer, changed: 7)),
      .putFact(device: device, fact: "capacity", text: ""),
      .putPlug(
        Plug(
          id: ObjectID(rawValue: 4), container: container, device: device,
          devID: DevID(rawValue: .max), linkName: try Name("link"), changed: 3)),
      .putPlug(
        Plug(
          id: ObjectID(rawValue: 5), container: container, device: device, devID: nil,
          linkName: try Name("spare"), changed: 4)),
      .putNodeOwner(node: .max, owner: NodeOwner(permissions: nil, uid: 0, gid: .max)),
      .putRefusal(
        object: .tree,
        record: RefusalRecord(
          time: 1, path: "devices/x", value: "\u{0}", errno: 22, reason: "no", accepted: "")),
      .putAllowance(
        container: container, allowance: try #require(Allowance("0 4294967294 @4294967294"))),
      .putSessionMark(
        object: device, mark: SessionMark(session: SessionID(rawValue: .max), request: .max)),
      .putSessionReply(
        session: SessionID(rawValue: .max), reply: SessionReply(request: .max, text: "ok\n")),
      .putSetting(name: "session_classes", setting: Setting(text: "", changed: .max)),
    ]
  }

  @Test("Everything that is put is there when the store is opened again")
  func roundTrip() throws {
    let rows = try Self.rows()
    #expect(try reloaded(rows) == rows)
  }

  @Test("Everything that is removed is gone when the store is opened again")
  func removed() throws {
    let removals: [Change] = [
      .removeContainer(ObjectID(rawValue: 1)), .removeDevice(ObjectID(rawValue: 2)),
      .removeDevice(ObjectID(rawValue: 3)),
      .removeValue(device: ObjectID(rawValue: 2), attribute: "path"),
      .removeFact(device: ObjectID(rawValue: 2), fact: "capacity"),
      .removePlug(ObjectID(rawValue: 4)), .removePlug(ObjectID(rawValue: 5)),
      .removeNodeOwner(node: .max), .removeRefusal(object: .tree),
      .removeAllowance(container: ObjectID(rawValue: 1)),
      .removeSessionMark(object: ObjectID(rawValue: 2)),
      .removeSessionReply(session: SessionID(rawValue: .max)),
    ]
    #expect(
      try reloaded(Self.rows() + removals) == [
        .putNextID(ObjectID(rawValue: .max)),
        .putSetting(name: "session_classes", setting: Setting(text: "", changed: .max)),
      ])
  }

  @Test("A row put again takes the place of the one with its key")
  func replaced() throws {
    let id = ObjectID(rawValue: 1)
    let first = Device(id: id, name: try Name("a"), owner: Self.owner, changed: 1)
    let second = Device(id: id, name: try Name("b"), owner: Self.owner, changed: 2)
    #expect(try reloaded([.putDevice(first), .putDevice(second)]) == [.putDevice(second)])
  }

  @Test("Names that differ only in their form are two names")
  func forms() throws {
    let rows: [Change] = try ["\u{e9}", "e\u{301}"].enumerated().map {
      .putDevice(
        Device(
          id: ObjectID(rawValue: UInt64($0)), name: try Name($1), owner: Self.owner, changed: 0))
    }
    #expect(try reloaded(rows) == rows)
  }

  @Test("A commit that fails changes nothing and gives no answer")
  func allOrNothing() throws {
    let request = AnsweredRequest(slot: 1, unique: 2)
    do { _ = try store() }
    do {
      try Database(path: path).run(
        """
        CREATE TRIGGER refuse BEFORE INSERT ON fact BEGIN SELECT RAISE(ABORT, 'no'); END
        """)
    }
    let store = try store()
    #expect(throws: StoreError.self) {
      try store.commit(
        [.putNextID(ObjectID(rawValue: 9)), .putFact(device: .tree, fact: "x", text: "y")],
        answering: request, with: .done)
    }
    #expect(try store.load().isEmpty)
    #expect(try store.answer(to: request) == nil)
    try store.commit([.putNextID(ObjectID(rawValue: 9))], answering: request, with: .done)
    #expect(try store.answer(to: request) == .done)
  }

  @Test("The answer of a request is found after opening again", arguments: [true, false])
  func answers(_ isDurable: Bool) throws {
    do {
      let store = try store(isDurable: isDurable)
      try store.commit([], answering: AnsweredRequest(slot: 0, unique: .max), with: .done)
      try store.commit([], answering: AnsweredRequest(slot: 1, unique: 7), with: .entry(.max))
    }
    let store = try store(isDurable: isDurable)
    #expect(try store.answer(to: AnsweredRequest(slot: 0, unique: .max)) == .done)
    #expect(try store.answer(to: AnsweredRequest(slot: 1, unique: 7)) == .entry(.max))
  }

  @Test("A request that was never committed has no answer")
  func noAnswer() throws {
    let store = try store()
    try store.commit([], answering: AnsweredRequest(slot: 0, unique: 1), with: .done)
    #expect(try store.answer(to: AnsweredRequest(slot: 0, unique: 2)) == nil)
    #expect(try store.answer(to: AnsweredRequest(slot: 1, unique: 1)) == nil)
  }

  @Test("Of a slot only the newest answer is kept")
  func newestAnswer() throws {
    let store = try store()
    try store.commit([], answering: AnsweredRequest(slot: 0, unique: 1), with: .done)
    try store.commit([], answering: AnsweredRequest(slot: 0, unique: 2), with: .done)
    #expect(try store.answer(to: AnsweredRequest(slot: 0, unique: 1)) == nil)
  }

  @Test("Answers are forgotten when told, and nothing else")
  func forgets() throws {
    let store = try store()
    let request = AnsweredRequest(slot: 0, unique: 1)
    try store.commit([.putNextID(ObjectID(rawValue: 5))], answering: request, with: .done)
    try store.forgetAnswers()
    #expect(try store.answer(to: request) == nil)
    #expect(try store.load() == [.putNextID(ObjectID(rawValue: 5))])
  }

  @Test(
    "What was told to be committed is there after SIGKILL, whole and with its answer",
    arguments: ["durable", "quick"])
  func killed(_ kind: String) throws {
    for round in 0..<5 {
      let told = try commitUntilKilled(kind, afterMilliseconds: UInt32(40 + 17 * round))
      let store = try store()
      let changes = try store.load()
      guard case .putNextID(let last)? = changes.first else {
        Issue.record("nothing was committed")
        return
      }
      #expect(last.rawValue >= UInt64(told))
      #expect(
        changes.last
          == .putFact(device: ObjectID(rawValue: 1), fact: "number", text: "\(last.rawValue)"))
      #expect(
        try store.answer(to: AnsweredRequest(slot: 0, unique: last.rawValue))
          == .entry(last.rawValue))
    }
  }

  /// Has another process commit, and kills it; how many commits it told of.
  private func commitUntilKilled(_ kind: String, afterMilliseconds time: UInt32) throws -> Int {
    let (near, far) = try makeStreamPair()
    let own = try programPath()
    let folder = own.prefix(upTo: own.lastIndex(of: "/") ?? own.endIndex)
    let pid = try spawn(
      folder + "/StoreProbe", [path, kind], environment: environmentTexts(), descriptors: [far])
    guard wait(on: near, milliseconds: 10_000) else { throw Errno.timedOut }
    pause(milliseconds: time)
    try send(signal: Signal.kill, to: pid)
    _ = try awaitEnd(of: pid)
    return try unreadByteCount(of: near)
  }

  @Test("A second process cannot open a store that is in use")
  func inUse() throws {
    let store = try store()
    try store.commit([.putNextID(ObjectID(rawValue: 1))], answering: nil, with: .done)
    #expect(throws: StoreError.self) { try Store(path: path, isDurable: false).load() }
  }

  @Test("A store of an older layout is brought up to date, and keeps what it has")
  func older() throws {
    let id = ObjectID(rawValue: 1)
    let container = Change.putContainer(
      Container(id: id, name: try Name("lab0"), owner: Self.owner, changed: 7))
    do { try store().commit([container], answering: nil, with: .done) }
    do {
      // What layout 2 added.
      let database = try Database(path: path)
      for table in ["allowance", "session_mark", "session_reply", "setting"] {
        try database.run("DROP TABLE \(table)")
      }
      try database.run("PRAGMA user_version = 1")
    }
    let allowance = Change.putAllowance(
      container: id, allowance: try #require(Allowance("1000")))
    #expect(try reloaded([allowance]) == [container, allowance])
  }

  @Test("A store of a newer layout is refused and left alone")
  func newer() throws {
    do {
      let database = try Database(path: path)
      try database.run("PRAGMA user_version = 99")
    }
    #expect(throws: StoreError.self) { try store() }
    var version: Int64 = 0
    try Database(path: path).run("PRAGMA user_version") { version = $0.integer(0) }
    #expect(version == 99)
  }

  @Test("A file that is no store is refused and left alone")
  func garbage() throws {
    let bytes = [UInt8](repeating: 0x5a, count: 8192)
    try write(bytes, toFile: path)
    #expect(throws: StoreError.self) { try store() }
    #expect(try readFile(path) == bytes)
  }

  @Test("A directory or a path that leads nowhere is refused", arguments: ["/", "/nowhere/store"])
  func noFile(_ path: String) {
    #expect(throws: StoreError.self) { try Store(path: path, isDurable: false) }
  }

  @Test("A symbolic link is not followed")
  func link() throws {
    #expect(throws: StoreError.self) { try Store(path: "/proc/self/exe", isDurable: false) }
  }

  @Test("A stored allowance that is none is refused: nobody is let in by guess")
  func badAllowance() throws {
    do { try store().commit(Self.rows(), answering: nil, with: .done) }
    do { try Database(path: path).run("UPDATE allowance SET text = 'all'") }
    #expect(throws: StoreError.self) { try store().load() }
  }

  @Test("A stored name that is none is refused")
  func badName() throws {
    do { try store().commit(Self.rows(), answering: nil, with: .done) }
    do { try Database(path: path).run("UPDATE device SET name = '../x'") }
    #expect(throws: StoreError.self) { try store().load() }
  }
}
