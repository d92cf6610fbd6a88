internal import LinuxSystem

extension ClientSession {
  func checked(_ region: Region) throws(Errno) -> Region {
    guard region.isWellFormed else { throw .invalid }
    guard regions.count < Limits.regionsMax else { throw .noSpace }
    guard !regions.contains(where: { $0.overlaps(region) }) else { throw .exists }
    return region
  }

  /// Nothing that is shared goes away under a device.
  func droppable(_ address: UInt64) throws(Errno) -> Region {
    guard let region = regions.first(where: { $0.address == address }) else { throw .noEntry }
    let isShared = devices.values.contains { device in
      device.shares.contains { region.holds($0.address, UInt64($0.byteCount)) }
    }
    if let fastCall, region.holds(fastCall, 1) { throw .busy }
    let hasQueue = eventQueues.contains { region.holds($0.ring, 1) || region.holds($0.records, 1) }
    guard !isShared, !hasQueue else { throw .busy }
    return region
  }

  /// Whether bytes lie together in one region.
  func hasRegion(_ address: UInt64, _ byteCount: UInt64) -> Bool {
    regions.contains { $0.holds(address, byteCount) }
  }

  /// One block is enough: a client has one request under way at a time.
  func fastCall(_ address: UInt64, _ agreed: Capabilities) throws(Errno) -> UInt64 {
    guard agreed.contains(.fastCalls), address % UInt64(FastCallLayout.alignment) == 0 else {
      throw .invalid
    }
    guard fastCall == nil else { throw .exists }
    guard hasRegion(address, UInt64(FastCallLayout.byteCount)) else { throw .badAddress }
    return address
  }

  /// DEVSHM. The signal has to lie in the memory, where its words are whole; EEXIST for a memory
  /// that is shared already, ENOSPC when handles run out, EFAULT for what is not the client's memory.
  func sharing(_ wish: ShareRequest, _ agreed: Capabilities) throws(Errno) -> Share {
    let device = try device(wish.handle)
    guard wish.byteCount > 0, wish.address % 8 == 0, wish.flags & ~ShareRequest.ownBells == 0
    else { throw .invalid }
    let signal = try signal(of: wish, agreed)
    guard hasRegion(wish.address, UInt64(wish.byteCount)) else { throw .badAddress }
    guard !device.shares.contains(where: { $0.id == wish.id }) else { throw .exists }
    guard max(shareCount, signals.count) < sharesMax,
      device.shares.count < Limits.sharesPerDeviceMax
    else { throw .noSpace }
    return Share(
      device: wish.handle, id: wish.id, address: wish.address, byteCount: wish.byteCount,
      signal: signal)
  }

  private func signal(
    of wish: ShareRequest, _ agreed: Capabilities
  ) throws(Errno) -> Share.Signal? {
    let hasOwnBells = wish.flags & ShareRequest.ownBells != 0
    guard let offset = wish.signalOffset else {
      // Bells for nothing.
      guard !hasOwnBells else { throw .invalid }
      return nil
    }
    let end = UInt64(offset) + UInt64(SignalPlace.byteCount)
    guard offset % UInt32(SignalPlace.alignment) == 0, end <= UInt64(wish.byteCount),
      !hasOwnBells || agreed.contains(.ownBells)
    else { throw .invalid }
    guard let handle = UInt32(exactly: nextSignal) else { throw .noSpace }
    return Share.Signal(
      handle: SignalHandle(rawValue: handle), offset: offset, cookie: wish.cookie,
      priority: Int(min(wish.priority, UInt32(priorityCount - 1))), hasOwnBells: hasOwnBells)
  }

  /// Event queues come in the order of their priorities, before READY. The engine checks the ring.
  func checked(_ queue: EventQueue, _ agreed: Capabilities) throws(Errno) -> EventQueue {
    guard agreed.contains(.eventQueues), !isReady else { throw .invalid }
    guard eventQueues.count < Limits.prioritiesMax else { throw .noSpace }
    guard queue.priority == UInt32(eventQueues.count), signals.isEmpty, queue.ring % 8 == 0,
      let ringByteCount = SignalPlace.ringByteCount(queue.count)
    else { throw .invalid }
    let recordsByteCount = UInt64(queue.count) * UInt64(Event.recordByteCount)
    guard hasRegion(queue.ring, ringByteCount), hasRegion(queue.records, recordsByteCount) else {
      throw .badAddress
    }
    return queue
  }
}
