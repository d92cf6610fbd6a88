internal import ConfigTree
internal import FuseMount
internal import LinuxSystem
internal import Model

/// The second control plane, for programs that may not make directories in the tree: a connection
/// to the socket `session` is a container, which is gone with all its devices when the connection
/// closes.
///
/// A session does what a shell does, by the tree's own operations: every check and every refusal
/// is the same. Its requests come one by one; the next is sent after the answer to the one before.
final class Sessions {
  unowned let control: Control
  private var sessions: [SessionID: Session] = [:]
  /// Operations of the tree that have not ended.
  private var pending: [UInt64: Pending] = [:]
  private var lastUnique: UInt64 = Sessions.uniqueBase
  private var lastID: UInt64 = 0
  private var listener: Descriptor?
  private var watch: EventLoop.Token?

  typealias Outcome = Result<Answer, SessionRefusal>

  private struct Pending {
    let node: NodeID
    let then: (Outcome) -> Void
  }

  /// Sessions that one user has at once.
  static let countMaxOfUser = 16
  /// All sessions: each has a container, and most of those are left to others.
  static let countMax = 512
  /// The kernel's numbers of requests never come so far.
  private static let uniqueBase: UInt64 = 1 << 63
  /// How long connections wait where none could be accepted.
  private static let pauseMilliseconds: UInt64 = 100

  init(of control: Control) { self.control = control }

  var tree: ConfigTree { control.tree }

  // MARK: Beginning

  /// Takes up the connections that the keeper has, and ends what is left of others. `said` has the
  /// numbers of what was said last through them.
  func takeUp(_ kept: [String: Descriptor], said: [SessionID: UInt64]) throws(Errno) {
    if let there = keptListener(kept) { listener = there } else { listener = try newListener() }
    for (id, lastSaid) in said.sorted(by: { $0.key < $1.key }) {
      guard let connection = kept[Kept.session(id)], let peer = try? SocketPeer(of: connection)
      else {
        try control.keeper.drop(Kept.session(id))
        continue
      }
      let session = Session(id, connection, peer, lastSaid: lastSaid, in: self)
      session.isTakenUp = true
      sessions[id] = session
    }
    let stored =
      Set(tree.model.sessionMarks.values.map(\.session)).union(tree.model.sessionReplies.keys)
    for id in stored where sessions[id] == nil { sessions[id] = Session(lost: id, in: self) }
    lastID = max(control.now, sessions.keys.max()?.rawValue ?? 0)
  }

  private func keptListener(_ kept: [String: Descriptor]) -> Descriptor? {
    guard let listener = kept[Kept.sessionListener],
      (try? facts(at: control.places.session))?.kind == .socket
    else { return nil }
    return listener
  }

  /// Everybody may have a session in a root's mount, and in a user's only he.
  private func newListener() throws(Errno) -> Descriptor {
    let listener = try listen(
      at: control.places.session, permissions: effectiveUser() == 0 ? 0o666 : 0o600,
      uid: effectiveUser(), gid: effectiveGroup(), kind: .packets)
    try control.keeper.put(listener, as: Kept.sessionListener)
    return listener
  }

  /// Once the tree answers.
  func begin() {
    for session in sessions.values.sorted(by: { $0.id < $1.id }) { session.begin() }
    listenAgain()
  }

  private func listenAgain() {
    guard let listener else { return }
    watch = try? control.loop.watch(listener) { [unowned self] _ in self.accept() }
  }

  /// The keeper accepts, so that a connection outlives this process.
  private func accept() {
    guard let listener else { return }
    lastID += 1
    let id = SessionID(rawValue: lastID)
    let name = Kept.session(id)
    guard let connection = try? control.keeper.accept(from: listener, as: name) else {
      return pauseListening()
    }
    // Who connected may be gone again.
    guard let peer = try? SocketPeer(of: connection) else {
      try? control.keeper.drop(name)
      return
    }
    if let refusal = refusal(of: peer) {
      say(refusal.text, number: 1, to: id)
      try? control.keeper.drop(name)
      return
    }
    let session = Session(id, connection, peer, lastSaid: 0, in: self)
    sessions[id] = session
    session.begin()
  }

  /// Why this one may have no session more.
  private func refusal(of peer: SocketPeer) -> SessionRefusal? {
    guard sessions.values.count(where: { $0.rights.uid == peer.uid }) < Self.countMaxOfUser else {
      let refusal = Refusal.tooManySessions(countMax: Self.countMaxOfUser)
      return SessionRefusal(refusal, tree.error(refusal).errno)
    }
    guard sessions.count < Self.countMax else {
      return SessionRefusal(
        .tooManyOpenFiles, "there are \(Self.countMax) sessions already",
        accepted: "first end one")
    }
    return nil
  }

  /// There is no room for another descriptor, or who connected was gone at once.
  private func pauseListening() {
    if let watch { control.loop.remove(watch) }
    _ = control.loop.after(milliseconds: Self.pauseMilliseconds) { [unowned self] in
      self.listenAgain()
    }
  }

  // MARK: What sessions do

  /// Says something through a connection, once for each number.
  func say(_ text: String, number: UInt64, to id: SessionID) {
    try? control.keeper.say(Array(text.utf8), number: number, through: Kept.session(id))
  }

  /// A session has ended, and nothing is left of it.
  func ended(_ id: SessionID) {
    sessions[id] = nil
    try? control.keeper.drop(Kept.session(id))
  }

  func groups(of session: Request.Session) -> [UInt32] {
    sessions[SessionID(rawValue: session.number)]?.rights.groups ?? []
  }

  /// Does an operation of the tree on a file or on names of a directory, with the rights of the
  /// session's client.
  func perform(
    at node: NodeID, for session: Session,
    _ operation: (Request) throws(TreeError) -> Answer, then: @escaping (Outcome) -> Void
  ) {
    lastUnique += 1
    var request = Request(
      unique: lastUnique, slot: 0, uid: session.rights.uid, gid: session.rights.gid,
      pid: session.pid)
    request.session = Request.Session(
      number: session.id.rawValue, request: session.answeredCount + 1)
    do throws(TreeError) {
      let answer = try operation(request)
      guard answer == .later else { return finish(request, at: node, .success(answer), then) }
      pending[request.unique] = Pending(node: node, then: then)
    } catch { finish(request, at: node, .failure(error), then) }
  }

  /// An operation that took time has ended.
  func finish(_ request: Request, _ result: Result<Answer, TreeError>) {
    guard let ended = pending.removeValue(forKey: request.unique) else { return }
    finish(request, at: ended.node, result, ended.then)
  }

  private func finish(
    _ request: Request, at node: NodeID, _ result: Result<Answer, TreeError>,
    _ then: (Outcome) -> Void
  ) {
    control.noteChange(at: node)
    then(
      result.mapError { error in
        tree.refusal(of: request).map { SessionRefusal($0, error.errno) }
          ?? SessionRefusal(error.errno, error.errno.sentence)
      })
  }
}
