internal import EngineLink
internal import Keeper
internal import LinuxSystem
internal import SharedMemory
internal import VhostUser

/// Front ends come and go.
extension LiveDevice {
  /// Somebody connects. A device has one front end: another one is turned away at once, so that it
  /// sees the end of its connection instead of silence.
  func connectionWaits() {
    // What the present one said last, and its end, may wait unseen.
    serveMessages()
    // Whose client a predecessor had, it is for him.
    guard isFree, !record.hasClient, !Quarantine.isFull else {
      _ = try? accept(from: listener)
      return
    }
    guard let connection = try? keeper.accept(from: listener, as: name(Part.connection)) else {
      return
    }
    record.consumed = 0
    record.fault = nil
    // No line tells of it before its first message.
    attach(newSession(), on: connection)
    updateStates()
    serveMessages()
  }

  func newSession() -> Session {
    Session(
      features: offered, queueCount: model.queueCount, queueNumber: model.queueNumber,
      queueSizeMax: UInt16(DeviceRecord.queueSizeMax),
      protocolFeatures: offer.hasInBandNotifications ? .implemented : .usual)
  }

  private func attach(_ session: Session, on connection: Descriptor) {
    attachment = Attachment(
      session: session, connection: connection, shownConfiguration: model.configuration)
    // Edge-triggered: the beginning of a message may wait in the socket for the rest.
    attachment?.token = try? loop.watch(connection, for: [.readable, .edge]) {
      [unowned self] _ in self.serveMessages()
    }
  }

  /// Ends the session: the queues stop, and nothing of the guest is kept.
  func detach() {
    guard let attachment else { return }
    self.attachment = nil
    if let token = attachment.token { loop.remove(token) }
    // First: who dies from here on leaves a connection that is over, and not one to begin anew.
    disconnect(attachment.connection)
    for queue in queues { queue.forget() }
    record.lines = []
    released = []
    try? keeper.drop(scope)
    memory.removeAll()
    model.reset()
    updateStates()
  }

  // MARK: A predecessor's connection

  /// Takes up the connection of an engine that died, as its record and the keeper tell.
  func takeUp() {
    guard let items = try? keeper.take("\(offer.id)") else { return }
    var kept: [String: KeeperClient.Item] = [:]
    var others: [KeeperClient.Item] = []
    for item in items {
      guard item.name.hasPrefix(scope + "/") else {
        others.append(item)
        continue
      }
      kept[String(item.name.dropFirst(scope.count + 1))] = item
    }
    Self.release(others, of: keeper)
    let lines = record.lines
    guard let connection = kept[Part.connection] else {
      record.lines = []
      try? keeper.drop(scope)
      // The queues of a native client wait for it.
      if !record.hasClient { for queue in queues { queue.forget() } }
      return updateStates()
    }
    do {
      try restore(lines, on: connection, kept)
    } catch {
      record.fault = "the session could not be taken up: \(error.sentence)"
      attachment =
        attachment
        ?? Attachment(
          session: newSession(), connection: connection.descriptor,
          shownConfiguration: model.configuration)
      detach()
    }
  }

  /// Lets go of what a predecessor had of a device, or of a life of it, that is over. Its front
  /// end sees its connection close.
  static func release(_ items: [KeeperClient.Item], of keeper: KeeperClient) {
    for item in items {
      if item.name.hasSuffix("/" + Part.connection) { disconnect(item.descriptor) }
      try? keeper.drop(item.name)
    }
  }

  private func restore(
    _ lines: [String], on connection: KeeperClient.Item, _ kept: [String: KeeperClient.Item]
  ) throws(SessionFault) {
    let entry = MessageEntry(in: lines)
    // Accepted, and no message applied yet: no line was written.
    let session = lines.isEmpty ? newSession() : try Session(restoring: lines)
    guard session.queues.count == model.queueCount,
      session.queueSizeMax <= newSession().queueSizeMax
    else { throw .malformedRecord(line: 0) }
    if lines.isEmpty { record.consumed = 0 }
    attach(session, on: connection.descriptor)
    attachment?.messages = entry.number
    attachment?.channel = kept[Part.channel]?.descriptor
    var files: [UInt32: Descriptor] = [:]
    for region in session.regions {
      files[region.id] = kept[Part.memory(region.id)]?.descriptor
    }
    attachment?.files = files
    released = kept.keys.filter { $0.hasPrefix(Part.memories) }
      .filter { part in !session.regions.contains { Part.memory($0.id) == part } }
    for queue in queues {
      queue.adopt(session)
      func bell(_ bell: Effect.Bell) -> EventDescriptor? {
        let descriptor = kept[Part.bell(bell, queue.index)]?.descriptor
        // It may have been made to wait meanwhile.
        try? descriptor?.setNonblocking(true)
        return descriptor.map { EventDescriptor($0) }
      }
      (queue.kick, queue.call, queue.error) = (bell(.kick), bell(.call), bell(.error))
    }
    guard mapMemory(files) else { throw .refused(.setMemoryTable) }
    if let acked = session.ackedFeatures { model.resumed(acked) }
    attachment?.negotiated = session.ackedFeatures
    for (offset, bytes) in ConfigurationLines.writes(in: lines)
    where model.writeConfiguration(at: offset, bytes) {
      attachment?.configuration[offset] = bytes
    }
    if let shown = ConfigurationLines.shown(in: lines) { attachment?.shownConfiguration = shown }
    for queue in queues { queue.update() }
    finish(entry, lastSaid: connection.lastSaid)
    updateStates()
    serveMessages()
    // It may have changed while nobody was there.
    configurationChanged()
  }
}
