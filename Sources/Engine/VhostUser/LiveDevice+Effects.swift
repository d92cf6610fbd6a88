internal import EngineLink
internal import LinuxSystem
internal import SharedMemory
internal import VhostUser

/// What messages of the front end do to the device.
extension LiveDevice {
  /// Does what a message says. Descriptors go to the keeper before anything counts on them.
  func carryOut(_ effect: Effect, _ descriptors: [Descriptor]) -> Outcome {
    switch effect {
    case .none: return .done
    case .featuresAcked:
      acceptFeatures()
      return .done
    case .memoryReplaced, .regionAdded, .regionRemoved:
      return changeMemory(effect, descriptors)
    case .queueChanged(let index):
      update([queues[index]])
      return .done
    case .queuesChanged:
      update(queues)
      return .done
    case .doorbell(let bell, let index, _):
      setBell(bell, of: queues[index], descriptors.first)
      return .done
    case .queueStopped(let index):
      queues[index].recordFault()
      update([queues[index]])
      return .done
    case .kicked(let index):
      kicked(queues[index])
      return .done
    case .readConfiguration(let offset, let count):
      return readConfiguration(at: offset, count)
    case .writeConfiguration(let offset, let bytes, _):
      guard model.writeConfiguration(at: offset, bytes) else { return .refused }
      attachment?.configuration[offset] = bytes
      return .done
    case .backendChannel:
      attachment?.channel = descriptors.first
      if let channel = descriptors.first { keep(channel, as: Part.channel) }
      return .done
    case .statusChanged:
      updateStates()
      return .done
    case .reset:
      update(queues)
      for queue in queues { attachment?.session.recordStop(of: queue.index, at: 0) }
      record.fault = nil
      attachment?.configuration = [:]
      attachment?.negotiated = nil
      model.reset()
      updateStates()
      return .done
    }
  }

  private func update(_ some: [LiveQueue]) {
    let wasFaulted = queues.contains { $0.isFaulted }
    for queue in some { queue.update() }
    // The guest has reset every queue that it broke.
    if wasFaulted, !queues.contains(where: { $0.isFaulted }) { record.fault = nil }
    updateStates()
  }

  /// A kick by message; the first one starts the ring.
  private func kicked(_ queue: LiveQueue) {
    if !queue.isRunning { update([queue]) }
    queue.countKick()
    // Not now: the record does not tell yet that the queue runs.
    queue.wakeLater()
  }

  /// A front end may repeat the word, for each pair of queues and whenever it goes on after a
  /// pause: what the guest has configured since it was first said stays.
  private func acceptFeatures() {
    defer { updateStates() }
    guard let word = attachment?.session.ackedFeatures, word != attachment?.negotiated else {
      return
    }
    attachment?.negotiated = word
    attachment?.configuration = [:]
    model.negotiated(word)
  }

  private func setBell(_ bell: Effect.Bell, of queue: LiveQueue, _ descriptor: Descriptor?) {
    let part = Part.bell(bell, queue.index)
    if let descriptor { keep(descriptor, as: part) } else { letGo(part) }
    // Where reading a doorbell would wait, an empty one must not hold up the loop.
    try? descriptor?.setNonblocking(true)
    let doorbell = descriptor.map { EventDescriptor($0) }
    switch bell {
    case .kick: queue.kick = doorbell
    case .call: queue.call = doorbell
    case .error: queue.error = doorbell
    }
    update([queue])
  }

  private func readConfiguration(at offset: Int, _ count: Int) -> Outcome {
    // The space ends where the class's fields do; a driver that asks for more reads zeros.
    let space = model.configuration
    guard offset >= 0, count >= 0, offset + count <= Self.configurationByteCountMax else {
      return .refused
    }
    let bytes = (offset..<offset + count).map { $0 < space.count ? space[$0] : 0 }
    // Read from the start: it knows now.
    if offset == 0, count >= space.count { attachment?.shownConfiguration = space }
    return .configuration(bytes)
  }

  /// VHOST_USER_MAX_CONFIG_SIZE of the protocol.
  private static var configurationByteCountMax: Int { 256 }

  // MARK: Memory

  private func changeMemory(_ effect: Effect, _ descriptors: [Descriptor]) -> Outcome {
    guard let attachment else { return .refused }
    var came: [Region] = []
    var gone: [Region] = []
    switch effect {
    case .memoryReplaced(let removed): (came, gone) = (attachment.session.regions, removed)
    case .regionAdded(let region): came = [region]
    case .regionRemoved(let region): gone = [region]
    default: return .refused
    }
    var files = attachment.files
    for region in gone { files[region.id] = nil }
    for (region, file) in zip(came, descriptors) { files[region.id] = file }
    guard mapMemory(files) else { return .refused }
    self.attachment?.files = files
    for (region, file) in zip(came, descriptors) {
      let part = Part.memory(region.id)
      keep(file, as: part)
      // A predecessor may have kept it already for this very message.
      released.removeAll { $0 == part }
    }
    // Until the record tells of the new table, a successor goes on with the old one.
    released += gone.map { Part.memory($0.id) }
    // Addresses of rings may mean other places now: none is held over the change.
    for queue in queues { queue.suspend() }
    update(queues)
    return .done
  }

  /// Maps the session's regions from these files, and nothing else. All or none: when one cannot
  /// be mapped, what was mapped stays.
  func mapMemory(_ files: [UInt32: Descriptor]) -> Bool {
    guard let attachment else { return false }
    var list: [(MemoryRegion, Descriptor)] = []
    for region in attachment.session.regions {
      guard let file = files[region.id] else { return false }
      let place = MemoryRegion(
        guestAddress: region.guestAddress, userAddress: region.userAddress,
        byteCount: region.byteCount, fileOffset: region.fileOffset)
      list.append((place, file))
    }
    do {
      try memory.replace(with: list)
      return true
    } catch {
      record.fault = "the guest's memory cannot be mapped: \(error.sentence)"
      return false
    }
  }
}
