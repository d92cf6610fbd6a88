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
      model.negotiated(attachment?.session.ackedFeatures ?? 0)
      updateStates()
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
      record.fault = nil
      attachment?.configuration = [:]
      model.reset()
      updateStates()
      return .done
    }
  }

  private func update(_ some: [LiveQueue]) {
    for queue in some { queue.update() }
    updateStates()
  }

  /// A kick by message; the first one starts the ring.
  private func kicked(_ queue: LiveQueue) {
    if !queue.isRunning { update([queue]) }
    queue.kicked()
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
    return .configuration(bytes)
  }

  /// VHOST_USER_MAX_CONFIG_SIZE of the protocol.
  private static var configurationByteCountMax: Int { 256 }

  // MARK: Memory

  private func changeMemory(_ effect: Effect, _ descriptors: [Descriptor]) -> Outcome {
    guard let session = attachment?.session else { return .refused }
    var gone: [Region] = []
    switch effect {
    case .memoryReplaced(let removed):
      gone = removed
      for (region, file) in zip(session.regions, descriptors) { take(file, for: region) }
    case .regionAdded(let region):
      if let file = descriptors.first { take(file, for: region) }
    case .regionRemoved(let region): gone = [region]
    default: return .refused
    }
    for region in gone {
      attachment?.files[region.id] = nil
      letGo(Part.memory(region.id))
    }
    // Addresses of rings may mean other places now: none is held over the change.
    for queue in queues { queue.suspend() }
    guard mapMemory() else { return .refused }
    update(queues)
    return .done
  }

  private func take(_ file: Descriptor, for region: Region) {
    keep(file, as: Part.memory(region.id))
    attachment?.files[region.id] = file
  }

  /// Maps the session's regions, and nothing else. All or none: what cannot be mapped leaves the
  /// device without memory, and its queues fault when they look for it.
  func mapMemory() -> Bool {
    guard let attachment else { return false }
    var list: [(MemoryRegion, Descriptor)] = []
    for region in attachment.session.regions {
      guard let file = attachment.files[region.id] else { return false }
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
