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
    // Whoever was there may have left, and we have not come to notice it.
    serveMessages()
    guard attachment == nil else {
      _ = try? accept(from: listener)
      return
    }
    // Before there is a connection: a successor that finds one finds a record that fits it.
    record.lines = []
    record.consumed = 0
    record.fault = nil
    guard let connection = try? keeper.accept(from: listener, as: name(Part.connection)) else {
      return
    }
    attach(newSession(), on: connection)
    saveSession()
    updateStates()
    serveMessages()
  }

  func newSession() -> Session {
    Session(
      features: offered, queueCount: model.queueCount,
      queueSizeMax: UInt16(DeviceRecord.queueSizeMax))
  }

  private func attach(_ session: Session, on connection: Descriptor) {
    attachment = Attachment(session: session, connection: connection)
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
    for queue in queues { queue.forget() }
    // First: a successor takes a connection without lines for a new one.
    try? keeper.drop(scope)
    record.lines = []
    disconnect(attachment.connection)
    memory.removeAll()
    model.reset()
    updateStates()
  }

  // MARK: A predecessor's connection

  /// Takes up the connection of an engine that died, as its record and the keeper tell.
  func takeUp() {
    guard let items = try? keeper.take(scope) else { return }
    var kept: [String: KeeperClient.Item] = [:]
    for item in items { kept[String(item.name.dropFirst(scope.count + 1))] = item }
    let lines = record.lines
    guard let connection = kept[Part.connection] else {
      record.lines = []
      record.consumed = 0
      try? keeper.drop(scope)
      for queue in queues { queue.forget() }
      return updateStates()
    }
    do {
      try restore(lines, on: connection, kept)
    } catch {
      record.fault = "the session could not be taken up: \(error.sentence)"
      attachment =
        attachment ?? Attachment(session: newSession(), connection: connection.descriptor)
      detach()
    }
  }

  private func restore(
    _ lines: [String], on connection: KeeperClient.Item, _ kept: [String: KeeperClient.Item]
  ) throws(SessionFault) {
    let entry = MessageEntry(in: lines)
    // Accepted, and no message applied yet: no line was written.
    let session = lines.isEmpty ? newSession() : try Session(restoring: lines)
    attach(session, on: connection.descriptor)
    attachment?.messages = entry.number
    attachment?.channel = kept[Part.channel]?.descriptor
    for region in session.regions {
      attachment?.files[region.id] = kept[Part.memory(region.id)]?.descriptor
    }
    let named = Set(session.regions.map { Part.memory($0.id) })
    for part in kept.keys where part.hasPrefix(Part.memories) && !named.contains(part) {
      letGo(part)
    }
    for queue in queues {
      queue.adopt(session)
      queue.kick = kept[Part.bell(.kick, queue.index)].map { EventDescriptor($0.descriptor) }
      queue.call = kept[Part.bell(.call, queue.index)].map { EventDescriptor($0.descriptor) }
      queue.error = kept[Part.bell(.error, queue.index)].map { EventDescriptor($0.descriptor) }
    }
    guard mapMemory(session.regions, attachment?.files ?? [:]) else {
      throw .refused(.setMemoryTable)
    }
    if let acked = session.ackedFeatures { model.negotiated(acked) }
    attachment?.negotiated = session.ackedFeatures
    for (offset, bytes) in ConfigurationLines.writes(in: lines)
    where model.writeConfiguration(at: offset, bytes) {
      attachment?.configuration[offset] = bytes
    }
    for queue in queues { queue.update() }
    finish(entry, lastSaid: connection.lastSaid)
    updateStates()
    serveMessages()
  }
}
