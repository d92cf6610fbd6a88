internal import EngineLink
internal import Keeper
internal import LinuxSystem
internal import VhostUser

/// Messages of the front end: each is applied once and answered once, whoever dies when.
extension LiveDevice {
  /// Messages served in one turn, so that queues and other devices get theirs.
  private static var messagesPerTurn: Int { 64 }

  func serveMessages() {
    for _ in 0..<Self.messagesPerTurn {
      guard let connection = attachment?.connection else { return }
      do throws(SessionFault) {
        switch try peekMessage(on: connection) {
        case .incomplete: return
        case .ended: return fail(.ended)
        case .message(let message, let descriptors):
          try serve(message, descriptors, on: connection)
        }
      } catch { return fail(error) }
    }
    // More may wait, and an edge is told once.
    _ = loop.after(milliseconds: 0) { [weak self] in self?.serveMessages() }
  }

  private func serve(
    _ message: Message, _ descriptors: [Descriptor], on connection: Descriptor
  ) throws(SessionFault) {
    guard !descriptors.contains(where: isRemote) else { throw .remoteDescriptor }
    let reply = try apply(message, descriptors)
    guard let number = attachment?.messages else { return }
    let entry = MessageEntry(number: number + 1, reply: reply)
    attachment?.messages = entry.number
    saveSession(entry)
    try consume(message, from: connection)
    record.consumed = entry.number
    for part in released { letGo(part) }
    released = []
    send(entry)
  }

  /// Checks a message, does what it says, and answers the reply that is due.
  private func apply(
    _ message: Message, _ descriptors: [Descriptor]
  ) throws(SessionFault) -> Message? {
    guard var session = attachment?.session else { return nil }
    let effect: Effect
    do throws(SessionFault) {
      effect = try session.receive(message, descriptorCount: descriptors.count)
    } catch {
      guard let refusal = session.refusal(of: message, for: error) else { throw error }
      return refusal
    }
    let before = attachment?.session
    attachment?.session = session
    let outcome = carryOut(effect, descriptors)
    // What is refused changes nothing.
    if outcome == .refused, let before { attachment?.session = before }
    return try attachment?.session.reply(to: message, outcome)
  }

  func saveSession(_ entry: MessageEntry? = nil) {
    guard let attachment else { return }
    let entry = entry ?? MessageEntry(number: attachment.messages, reply: nil)
    record.lines =
      attachment.session.lines
      + ConfigurationLines.lines(
        attachment.configuration, shown: attachment.shownConfiguration) + [entry.line]
  }

  /// Sends a reply through the keeper, which sends each number once.
  private func send(_ entry: MessageEntry) {
    guard !entry.reply.isEmpty else { return }
    try? keeper.say(entry.reply, number: entry.number, through: name(Part.connection))
  }

  /// Ends what a predecessor had begun with its newest message.
  func finish(_ entry: MessageEntry, lastSaid: UInt64) {
    guard entry.number > 0 else { return }
    if record.consumed < entry.number {
      // Applied, and perhaps taken out of the socket. A front end that waits for the reply sends
      // nothing else: what is there is the message itself, and it is served again, which changes
      // nothing. When nothing is there it was taken out. A message without a reply is the same
      // again or the next one, and both are served.
      let isThere = (try? unreadByteCount(of: attachment?.connection ?? listener)) ?? 0 > 0
      guard !entry.reply.isEmpty, !isThere, lastSaid < entry.number else {
        if isThere { attachment?.messages = entry.number - 1 }
        return
      }
      record.consumed = entry.number
    }
    send(entry)
  }

  /// Sends a message of our own to the front end, without waiting for what it says to it. False
  /// when there is no room for it now.
  @discardableResult
  func tellFrontEnd(_ message: Message) -> Bool {
    guard let channel = attachment?.channel else { return true }
    do throws(SessionFault) {
      try VhostUser.send(message, on: channel)
      return true
    } catch { return error != .connection(.again) }
  }
}
