internal import ConfigTree
internal import LinuxSystem
internal import Model

/// One connection to the second control plane.
///
/// A request stays in the socket until it is done. Then its answer is stored, the request taken
/// out, and the answer said by the keeper, once. So whoever finds the connection after a death
/// knows where it stands: an answer that is stored and not said is said, and a request that has
/// none is done from its start, after what it had made is taken back.
final class Session {
  let id: SessionID
  /// The client's process, and with whose rights it acts.
  let pid: Int32
  let rights: Credentials
  unowned let sessions: Sessions
  /// `nil` when it is closed, or was lost with a keeper.
  private var connection: Descriptor?
  /// How many requests were answered.
  private(set) var answeredCount: UInt64
  private var watch: EventLoop.Token?
  /// What a predecessor had begun is still to be taken back.
  var isTakenUp = false

  /// How long to wait when what a session leaves cannot be removed, because the store is full.
  private static let pauseMilliseconds: UInt64 = 1000

  /// With the number of what was said last.
  init(
    _ id: SessionID, _ connection: Descriptor, _ peer: SocketPeer, lastSaid: UInt64,
    in sessions: Sessions
  ) {
    self.id = id
    pid = peer.pid
    rights = Credentials(uid: peer.uid, gid: peer.gid, groups: peer.groups)
    self.sessions = sessions
    self.connection = connection
    answeredCount = lastSaid
  }

  /// Of which there is no connection any more.
  init(lost id: SessionID, in sessions: Sessions) {
    self.id = id
    self.sessions = sessions
    pid = 0
    rights = Credentials(uid: 0, gid: 0, groups: [])
    answeredCount = 0
  }

  var tree: ConfigTree { sessions.tree }
  var isConnected: Bool { connection != nil }

  /// Its container; `nil` before the first request, and when somebody removed it.
  var container: Container? {
    tree.model.objects(of: id).lazy.compactMap { self.tree.model.containers[$0] }.first
  }

  /// Goes on where a predecessor stopped, and begins to listen.
  func begin() {
    guard let connection else { return end() }
    if let reply = tree.model.sessionReplies[id], reply.request > answeredCount {
      // It may have been taken out already; as the next comes after the answer, it is no other.
      takeRequest(from: connection)
      answeredCount = reply.request
      sessions.say(reply.text, number: reply.request, to: id)
    }
    listen()
  }

  private func listen() {
    guard let connection else { return }
    do throws(Errno) {
      watch = try sessions.control.loop.watch(connection) { [unowned self] _ in self.hear() }
    } catch { end() }
  }

  private func hear() {
    if let watch { sessions.control.loop.remove(watch) }
    watch = nil
    guard let connection else { return }
    do throws(Errno) {
      let packet = try receiveBytes(
        upTo: SessionRequest.byteCountMax + 1, descriptorsMax: 0, from: connection, peeking: true)
      guard !packet.bytes.isEmpty else { return end() }
      takeBack { [self] in
        do throws(SessionRefusal) { serve(try SessionRequest(packet.bytes)) } catch {
          answer(.failure(error))
        }
      }
    } catch {
      switch error {
      case .again: listen()
      case .messageTooLong: takeBack { [self] in answer(.failure(SessionRequest.tooLong)) }
      default: end()
      }
    }
  }

  /// The request under way is done.
  func answer(_ result: Result<String, SessionRefusal>) {
    let text: String
    switch result {
    case .success(let words): text = words + "\n"
    case .failure(let refusal): text = refusal.text
    }
    let number = answeredCount + 1
    // A store that is full keeps nobody from his answer.
    try? tree.keep(SessionReply(request: number, text: text), of: id)
    if let connection { takeRequest(from: connection) }
    answeredCount = number
    isTakenUp = false
    sessions.say(text, number: number, to: id)
    listen()
  }

  private func takeRequest(from connection: Descriptor) {
    _ = try? receiveBytes(upTo: 1, descriptorsMax: 0, from: connection)
  }

  // MARK: Ending

  /// The client is gone, and all goes with it.
  private func end() {
    connection = nil
    removeObjects { [self] refusal in
      if refusal == nil, (try? tree.forget(id)) != nil { return sessions.ended(id) }
      _ = sessions.control.loop.after(milliseconds: Self.pauseMilliseconds) { [weak self] in
        self?.end()
      }
    }
  }
}
