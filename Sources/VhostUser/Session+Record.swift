extension Session {
  /// The session as text, one `key value…` a line: what a new engine goes on from. It tells
  /// everything but the descriptors, whose names follow from it.
  package var lines: [String] {
    var lines = [
      "session 1",
      "offered \(hexadecimal(offeredFeatures))",
      "protocol-offered \(hexadecimal(offeredProtocolFeatures.rawValue))",
      "queues \(queues.count) size-max \(queueSizeMax) number \(queueNumber)",
      "owner \(hasOwner ? 1 : 0)",
      "status \(hexadecimal(UInt64(status)))",
      "channel \(hasBackendChannel ? 1 : 0)",
      "next-region \(nextRegionID)",
    ]
    if let ackedFeatures { lines.append("features \(hexadecimal(ackedFeatures))") }
    if let ackedProtocolFeatures {
      lines.append("protocol-features \(hexadecimal(ackedProtocolFeatures.rawValue))")
    }
    lines += regions.map { "region \($0.text)" }
    if let lastRemoved { lines.append("removed \(lastRemoved.text)") }
    lines += queues.enumerated().filter { $1 != Vring() }.map { "queue \($0) \($1.text)" }
    return lines
  }

  /// A session as `lines` described it.
  ///
  /// Keys that are not known are passed over, for the writer may be newer. What is known has to be
  /// well formed and whole: the record may come from a broken or foreign file.
  package init(restoring lines: [String]) throws(SessionFault) {
    let records = lines.enumerated().map { RecordLine($1, number: $0 + 1) }
    func first(_ key: String) throws(SessionFault) -> RecordLine {
      guard let line = records.first(where: { $0.key == key }) else {
        throw .malformedRecord(line: 0)
      }
      return line
    }
    let version = try first("session")
    guard try version.value(UInt32.self) == 1 else { throw version.malformed }
    let size = try first("queues")
    let queueCount = try size.value(Int.self)
    let queueSizeMax = try size.number("size-max", UInt16.self)
    let queueNumber = size.has("number") ? try size.number("number", UInt16.self) : nil
    guard (1...Limits.queueCountMax).contains(queueCount),
      (1...Limits.queueSizeMax).contains(queueSizeMax)
    else { throw size.malformed }
    self.init(
      features: try first("offered").value(UInt64.self), queueCount: queueCount,
      queueNumber: queueNumber.map(Int.init), queueSizeMax: queueSizeMax,
      protocolFeatures: ProtocolFeatures(
        rawValue: try first("protocol-offered").value(UInt64.self)))
    for record in records { try restore(record) }
  }

  private mutating func restore(_ line: RecordLine) throws(SessionFault) {
    switch line.key {
    case "owner": hasOwner = try line.value(UInt8.self) != 0
    case "status": status = try line.value(UInt8.self)
    case "channel": hasBackendChannel = try line.value(UInt8.self) != 0
    case "next-region": nextRegionID = try line.value(UInt32.self)
    case "features":
      let features = try line.value(UInt64.self)
      guard features & ~offeredFeatures == 0 else { throw line.malformed }
      ackedFeatures = features
    case "protocol-features":
      let features = ProtocolFeatures(rawValue: try line.value(UInt64.self))
      guard features.isSubset(of: offeredProtocolFeatures) else { throw line.malformed }
      ackedProtocolFeatures = features
    case "region":
      let region = try Region(line)
      let place = try region.place
      guard regions.count < Limits.regionCountMax,
        !regions.contains(where: { $0.id == region.id || $0.overlaps(place) })
      else { throw line.malformed }
      regions.append(region)
    case "removed": lastRemoved = try Region(line)
    case "queue":
      let index = try line.value(Int.self)
      guard queues.indices.contains(index) else { throw line.malformed }
      let queue = try Vring(line)
      guard queue.size <= queueSizeMax else { throw line.malformed }
      queues[index] = queue
    default: break
    }
  }
}

extension Region {
  fileprivate var text: String {
    "\(id) guest \(hexadecimal(guestAddress)) user \(hexadecimal(userAddress))"
      + " bytes \(hexadecimal(byteCount)) offset \(hexadecimal(fileOffset))"
  }

  fileprivate init(_ line: RecordLine) throws(SessionFault) {
    let place: Place
    do {
      place = try Place(
        guestAddress: try line.number("guest", UInt64.self),
        byteCount: try line.number("bytes", UInt64.self),
        userAddress: try line.number("user", UInt64.self),
        fileOffset: try line.number("offset", UInt64.self))
    } catch { throw line.malformed }
    self.init(id: try line.value(UInt32.self), place)
  }

  fileprivate var place: Place {
    get throws(SessionFault) {
      try Place(
        guestAddress: guestAddress, byteCount: byteCount, userAddress: userAddress,
        fileOffset: fileOffset)
    }
  }
}

extension Vring {
  fileprivate var text: String {
    var text = "size \(size) base \(base) started \(isStarted ? 1 : 0)"
    text += " kick \(kick.rawValue) call \(call.rawValue) error \(error.rawValue)"
    if let wasEnabled { text += " enabled \(wasEnabled ? 1 : 0)" }
    if let addresses {
      text += " desc \(hexadecimal(addresses.descriptors)) used \(hexadecimal(addresses.used))"
      text += " avail \(hexadecimal(addresses.available))"
    }
    return text
  }

  fileprivate init(_ line: RecordLine) throws(SessionFault) {
    size = try line.number("size", UInt16.self)
    base = try line.number("base", UInt32.self)
    isStarted = try line.number("started", UInt8.self) != 0
    kick = try line.doorbell("kick")
    call = try line.doorbell("call")
    error = try line.doorbell("error")
    if line.has("enabled") { wasEnabled = try line.number("enabled", UInt8.self) != 0 }
    if line.has("desc") {
      addresses = RingAddresses(
        descriptors: try line.number("desc", UInt64.self),
        used: try line.number("used", UInt64.self),
        available: try line.number("avail", UInt64.self))
    }
  }
}
