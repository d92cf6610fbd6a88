package import FuseMount
package import Model

/// What the second control plane needs of the tree. All that a session makes it makes by the same
/// operations as a shell; here is what is more than that.
extension ConfigTree {
  static let sessionClassesKey = "session_classes"

  /// Until an administrator says otherwise: classes that touch nothing of the host by themselves.
  private static let sessionClassesDefault = ["console", "net", "rng"]

  /// The classes that sessions may make devices of.
  private var sessionClasses: [String] {
    guard let setting = model.settings[Self.sessionClassesKey] else {
      return Self.sessionClassesDefault
    }
    return setting.text.split(separator: " ").map(String.init)
  }

  var sessionClassesText: String { sessionClasses.joined(separator: " ") }

  func write(sessionClasses text: String, _ attempt: Attempt) throws(Refusal) -> Answer {
    let names = Set(text.split(separator: " ").map(String.init))
    let known = layouts.map(\.table.name)
    guard names.isSubset(of: known) else {
      throw .unknownClass(accepted: known.sorted().joined(separator: " "))
    }
    let setting = Setting(text: names.sorted().joined(separator: " "), changed: world.now)
    try commit(
      [.putSetting(name: Self.sessionClassesKey, setting: setting)], attempt.request, .done)
    world.changed(attempt.node)
    return .done
  }

  // MARK: Checks

  /// A session makes devices of some classes only; whoever may write to `devices`, of all.
  func checkSession(_ request: Request, mayMake className: String) throws(Refusal) {
    guard request.session != nil, !sessionClasses.contains(className) else { return }
    throw .classNotForSessions(accepted: sessionClassesText)
  }

  func checkSessionHasRoom(_ request: Request) throws(Refusal) {
    guard let session = request.session else { return }
    let count = model.objects(of: SessionID(rawValue: session.number))
      .count { model.devices[$0] != nil }
    guard count < Model.sessionDeviceCountMax else {
      throw .sessionIsFull(countMax: Model.sessionDeviceCountMax)
    }
  }

  /// What makes a new object the session's that asks for it; nothing for whoever else does.
  func mark(_ object: ObjectID, of request: Request) -> [Change] {
    guard let session = request.session else { return [] }
    let mark = SessionMark(
      session: SessionID(rawValue: session.number), request: session.request)
    return [.putSessionMark(object: object, mark: mark)]
  }

  // MARK: For control

  /// Why this request was refused; `nil` when it was not, or another one since.
  package func refusal(of request: Request) -> Refusal? {
    guard let newestRefusal, newestRefusal.unique == request.unique else { return nil }
    return newestRefusal.refusal
  }

  /// Keeps what a session is answered, before it is: whoever finds its request again after a death
  /// knows that it was done.
  package func keep(_ reply: SessionReply, of session: SessionID) throws(TreeError) {
    try commit([.putSessionReply(session: session, reply: reply)])
  }

  /// Forgets a session whose objects are gone.
  package func forget(_ session: SessionID) throws(TreeError) {
    try commit([.removeSessionReply(session: session)])
  }

  private func commit(_ changes: [Change]) throws(TreeError) {
    do throws(Refusal) { try commit(changes, nil, .done) } catch { throw TreeError(error.errno) }
  }

  /// The node of an object's directory.
  package func directory(of object: ObjectID) -> NodeID? {
    if model.devices[object] != nil { return Node.device(object, .file(.directory)).id }
    if model.containers[object] != nil { return Node.container(object, .directory).id }
    return nil
  }

  /// What a refusal is to whoever asked: the errno of a system call.
  package func error(_ refusal: Refusal) -> TreeError { TreeError(refusal.errno) }
}
