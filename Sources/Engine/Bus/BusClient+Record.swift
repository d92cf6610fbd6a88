internal import LinuxSystem
internal import SharedMemory
internal import VbusLink

/// A client in lines of text, from which a new engine goes on.
extension BusClient {
  /// The session's lines, and for each open device what it agreed on with its driver.
  var lines: [String] {
    session.lines
      + devices.values.sorted { $0.handle.rawValue < $1.handle.rawValue }.flatMap(\.lines)
  }

  /// A client as `lines` told of it, with what its vault holds. A device that is gone meanwhile stays
  /// open and answers ENODEV.
  static func restored(
    from lines: [String], _ kept: [String: Descriptor], on bus: ContainerBus,
    vault: any ClientVault
  ) throws(LinkFault) -> BusClient {
    // Accepted, and nothing changed yet.
    guard !lines.isEmpty else { return BusClient(of: bus, vault: vault) }
    let session = try ClientSession.restored(from: lines, sharesMax: sharesMax, on: &bus.table)
    let client = BusClient(of: bus, vault: vault, session: session)
    do throws(Errno) { try client.takeUp(kept, lines) } catch {
      client.end()
      throw .malformedRecord(line: 0)
    }
    return client
  }

  private func takeUp(_ kept: [String: Descriptor], _ lines: [String]) throws(Errno) {
    // They may have been made to wait since they were looked at.
    func bells(_ name: (Int) -> String) throws(Errno) -> [Descriptor] {
      let bells = (0..<2).compactMap { kept[name($0)] }
      guard bells.allSatisfy(isEvent) else { throw .stale }
      return bells
    }
    for region in session.regions {
      guard let file = kept[Part.memory(region)] else { throw .stale }
      try map(region, file)
    }
    for queue in session.eventQueues {
      let bells = try bells { Part.queue(queue.priority, $0) }
      eventRings.append(try EventRing(queue, bells, of: self))
    }
    if let address = session.fastCall {
      try addFastCall(address, bells(Part.fastCall))
    }
    for open in session.openDevices {
      guard let device = try? bus.open(open, for: self) else { continue }
      devices[open.handle.rawValue] = device
      for share in open.shares {
        try device.resume(share, bells { Part.bell(share, $0) })
      }
      try device.takeUp(lines)
    }
  }
}
