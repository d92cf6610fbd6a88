internal import EngineLink
internal import Keeper
internal import LinuxSystem
internal import VbusLink

/// A native client on the container's socket: brings its messages, so that each is carried out once
/// whoever dies when, and takes its events.
final class ClientConnection: ClientVault {
  private unowned let bus: ContainerBus
  /// Everything of this client that the keeper holds is below this name.
  let scope: String
  private let socket: Descriptor
  private let peer: SocketPeer
  private let record: ClientRecord
  /// A predecessor's descriptors, until they are taken up.
  private var kept: [String: Descriptor]
  private var client: BusClient?
  private var token: EventLoop.Token?
  /// A reply for which the socket has no room; until it is gone nothing is received.
  private var unsent: Reply?
  private var isWaitingForRoom = false
  private var isSavingLater = false
  /// Why its first message, and the last, is refused.
  private var refusal: Errno?
  private var refusalEnd: EventLoop.Token?

  /// How long somebody who is refused may take to ask.
  private static let refusalMilliseconds: UInt64 = 2000

  static let connectionPart = "connection"
  static let recordPart = "record"

  /// A client that has connected just now.
  convenience init(
    beginning socket: Descriptor, scope: String, on bus: ContainerBus
  ) throws(Errno) {
    let record = try ClientRecord.make(since: realtimeNanoseconds())
    try bus.keeper.put(record.file, as: "\(scope)/\(Self.recordPart)")
    try self.init(socket, record, [:], scope: scope, on: bus)
  }

  /// A client that a predecessor served, with what the keeper has of it.
  convenience init(
    goingOn socket: Descriptor, _ record: Descriptor, _ kept: [String: Descriptor],
    scope: String, on bus: ContainerBus
  ) throws(Errno) {
    do throws(Errno) {
      try self.init(socket, ClientRecord(record), kept, scope: scope, on: bus)
    } catch {
      disconnect(socket)
      throw error
    }
  }

  private init(
    _ socket: Descriptor, _ record: ClientRecord, _ kept: [String: Descriptor], scope: String,
    on bus: ContainerBus
  ) throws(Errno) {
    self.bus = bus
    self.scope = scope
    self.socket = socket
    self.record = record
    self.kept = kept
    peer = try SocketPeer(of: socket)
  }

  /// Nil for one that is refused.
  var member: Member? {
    guard client != nil else { return nil }
    return Member(
      pid: peer.pid, uid: peer.uid, gid: peer.gid, since: record.since,
      openCount: UInt32(client?.devices.count ?? 0))
  }

  /// Begins, or goes on where a predecessor stopped.
  func begin() throws(Errno) {
    try watch()
    let lines = record.lines
    // Before HELLO nobody was let in. A refusal is heard as the answer to what is said first.
    if lines.isEmpty { refusal = bus.refusal(of: peer) }
    guard refusal == nil else {
      refusalEnd = bus.loop.after(milliseconds: Self.refusalMilliseconds) { [weak self] in
        self?.end()
      }
      if let begun = record.begun(length: ClientSession.byteCount) { refuse(begun) }
      return
    }
    do throws(LinkFault) {
      let client = try BusClient.restored(from: lines, kept, on: bus, vault: self)
      kept = [:]
      serve(client)
      try finishBegun(client)
    } catch { return end() }
    client?.eventsWait()
    // Its bell may have been used up.
    serveFastCall()
  }

  /// Not edge-triggered: then each message would cost one more look.
  private func watch() throws(Errno) {
    token = try bus.loop.watch(socket) { [weak self] readiness in self?.isReady(readiness) }
  }

  private func serve(_ client: BusClient) {
    self.client = client
    client.onEvents = { [weak self] in self?.sendEvents() }
    client.onChange = { [weak self] in self?.saveLater() }
    client.onFastCall = { [weak self] in self?.serveFastCall() }
    bus.admit(client)
  }

  // MARK: Messages

  private func isReady(_ readiness: Readiness) {
    if readiness.contains(.writable), isWaitingForRoom { roomAppeared() }
    // Nobody will take the reply any more.
    guard unsent == nil || readiness.isDisjoint(with: [.hungUp, .failed]) else { return end() }
    if readiness != .writable { serveMessage() }
  }

  /// One at a time, so that queues and other clients get their turn.
  private func serveMessage() {
    guard token != nil, unsent == nil else { return }
    do throws(Errno) {
      let (bytes, descriptors) = try record.receive(
        from: socket, descriptorsMax: client == nil ? 0 : Limits.descriptorCountMax + 1)
      // A message has a byte at least, so nothing means the end.
      guard !bytes.isEmpty else { return end() }
      guard let client else { return refuse(bytes) }
      do throws(LinkFault) {
        finish(try client.answer(bytes, descriptors), of: client)
      } catch { return end() }
    } catch { if error != .again { end() } }
  }

  /// As `serveMessage`, for a request that came without the socket.
  private func serveFastCall() {
    guard token != nil, unsent == nil, let client,
      let bytes = client.fastCall?.receive(into: record)
    else { return }
    do throws(LinkFault) { finish(try client.answer(bytes, []), of: client) } catch { end() }
  }

  private func refuse(_ bytes: [UInt8]) {
    if let refusal, let reply = Reply(to: bytes, errno: refusal) { send(reply) }
    end()
  }

  /// Writes down what a message changed, answers it, and counts it.
  private func finish(_ reply: Reply, of client: BusClient) {
    if client.hasChanged { save(reply) } else { record.setReply(reply.words) }
    send(reply)
  }

  private func save(_ reply: Reply?) {
    guard let client else { return }
    client.hasChanged = false
    // A session that has become too long to be written down cannot be taken up: it ends here.
    guard record.save(client.lines, reply: reply?.bytes) else { return end() }
    for part in client.released { try? bus.keeper.drop("\(scope)/\(part)") }
    client.released = []
  }

  private func send(_ reply: Reply) {
    if let number = record.fastCall {
      client?.fastCall?.answer(reply, to: number)
      return record.finish()
    }
    do throws(Errno) {
      try sendBytes(reply.bytes, through: socket)
      unsent = nil
      record.finish()
    } catch {
      guard error == .again else { return end() }
      unsent = reply
      waitForRoom()
    }
  }

  /// What a predecessor had begun and not finished; nothing for a client that is new.
  private func finishBegun(_ client: BusClient) throws(LinkFault) {
    guard let bytes = record.begun(length: ClientSession.byteCount) else { return }
    if let reply = record.pendingReply.flatMap({ Reply($0) }) { return send(reply) }
    // Descriptors that came with it are gone: nothing was done, and the client asks again.
    guard record.fastCall != nil || !ClientSession.wantsDescriptors(bytes) else {
      guard let reply = Reply(to: bytes, errno: .restart) else { throw .noHeader(bytes.count) }
      return send(reply)
    }
    finish(try client.answer(bytes, []), of: client)
  }

  // MARK: Events

  private func sendEvents() {
    guard let client, !isWaitingForRoom else { return }
    var isLost = false
    let isDone = client.deliverEvents { event in
      do throws(Errno) { try sendBytes(event.bytes, through: socket) } catch {
        isLost = error != .again
        return false
      }
      return true
    }
    if isLost { return end() }
    if !isDone { waitForRoom() }
  }

  /// Once a turn, for events come in bursts. Who dies before tells some of them again.
  private func saveLater() {
    guard !isSavingLater else { return }
    isSavingLater = true
    _ = bus.loop.after(milliseconds: 0) { [weak self] in
      guard let self else { return }
      isSavingLater = false
      if client?.hasChanged == true { save(nil) }
    }
  }

  private func waitForRoom() {
    guard let token else { return }
    isWaitingForRoom = true
    // Who does not take his replies is not heard either.
    try? bus.loop.rewatch(token, for: unsent == nil ? [.readable, .writable] : .writable)
  }

  private func roomAppeared() {
    isWaitingForRoom = false
    if let token { try? bus.loop.rewatch(token, for: .readable) }
    if let unsent { send(unsent) }
    // What came while nothing was heard.
    serveFastCall()
    sendEvents()
  }

  // MARK: What outlives the engine

  func keep(_ descriptor: Descriptor, as name: String) {
    // A keeper that is gone ends this process anyway.
    try? bus.keeper.put(descriptor, as: "\(scope)/\(name)")
  }

  func letGo(_ name: String) { try? bus.keeper.drop("\(scope)/\(name)") }

  /// The client is gone, or made no sense.
  func end() {
    guard let token else { return }
    self.token = nil
    bus.loop.remove(token)
    if let refusalEnd { bus.loop.remove(refusalEnd) }
    // First, so that who dies from here on leaves a connection that is over.
    disconnect(socket)
    try? bus.keeper.drop(scope)
    client?.end()
    client = nil
    bus.connections.removeAll { $0 === self }
    bus.membersChanged()
  }
}
