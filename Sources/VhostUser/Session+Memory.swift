internal import LinuxSystem

extension Session {
  mutating func receiveMemory(
    _ request: Request, _ message: Message, _ descriptorCount: Int
  ) throws(SessionFault) -> Effect {
    switch request {
    case .setMemoryTable: return try setMemoryTable(message, descriptorCount)
    case .addMemoryRegion: return try addRegion(message, descriptorCount)
    default: return try removeRegion(message, descriptorCount)
    }
  }

  /// SET_MEM_TABLE: "The size and ordering of the fds matches the number and ordering of memory
  /// regions." User-Mode Linux sends room for two regions whether it fills it or not, so whole
  /// regions after the last one are passed over.
  private mutating func setMemoryTable(
    _ message: Message, _ descriptorCount: Int
  ) throws(SessionFault) -> Effect {
    var reader = WireReader(message.payload)
    var words: [Region.Place.Words] = []
    do {
      let count = Int(try reader.uint32())
      // Padding, "32-bit": not looked at.
      _ = try reader.uint32()
      guard count <= Limits.tableRegionCountMax else { throw SessionFault.tooManyRegions(count) }
      for _ in 0..<count { words.append(try Region.Place.Words(&reader)) }
    } catch let fault as SessionFault {
      throw fault
    } catch {
      throw .payloadSize(message.code, message.payload.count)
    }
    guard (message.payload.count - 8).isMultiple(of: Region.Place.byteCount) else {
      throw .payloadSize(message.code, message.payload.count)
    }
    guard descriptorCount == words.count else {
      throw .descriptorCount(descriptorCount, expected: words.count)
    }
    var table: [Region] = []
    for word in words {
      let place = try Region.Place(word)
      guard !table.contains(where: { $0.overlaps(place) }) else { throw .overlappingRegions }
      table.append(Region(id: nextRegionID &+ UInt32(table.count), place))
    }
    let removed = regions
    nextRegionID &+= UInt32(table.count)
    regions = table
    lastRemoved = nil
    return .memoryReplaced(removed: removed)
  }

  /// ADD_MEM_REG: "Exactly one file descriptor". The very same region once more is that message
  /// received again, and gets the descriptor anew.
  private mutating func addRegion(
    _ message: Message, _ descriptorCount: Int
  ) throws(SessionFault) -> Effect {
    try require(.memorySlots, for: .addMemoryRegion)
    let place = try regionPlace(of: message)
    guard descriptorCount == 1 else { throw .descriptorCount(descriptorCount, expected: 1) }
    if let known = regions.last, known == Region(id: known.id, place) {
      return .regionAdded(known)
    }
    guard !regions.contains(where: { $0.overlaps(place) }) else { throw .overlappingRegions }
    guard regions.count < Limits.regionCountMax else { throw .tooManyRegions(regions.count + 1) }
    let region = Region(id: nextRegionID, place)
    nextRegionID &+= 1
    regions.append(region)
    lastRemoved = nil
    return .regionAdded(region)
  }

  /// REM_MEM_REG: "No file descriptors SHOULD be passed … the back-end MAY accept messages with
  /// one file descriptor".
  private mutating func removeRegion(
    _ message: Message, _ descriptorCount: Int
  ) throws(SessionFault) -> Effect {
    try require(.memorySlots, for: .removeMemoryRegion)
    let place = try regionPlace(of: message)
    guard descriptorCount <= 1 else { throw .descriptorCount(descriptorCount, expected: 0) }
    if let index = regions.firstIndex(where: { $0.isNamed(by: place) }) {
      let region = regions.remove(at: index)
      lastRemoved = region
      return .regionRemoved(region)
    }
    guard let lastRemoved, lastRemoved.isNamed(by: place) else { throw .unknownRegion }
    return .regionRemoved(lastRemoved)
  }

  /// "Single memory region description": padding, then the region.
  private func regionPlace(of message: Message) throws(SessionFault) -> Region.Place {
    let words = try message.decode { (reader) throws(WireError) in
      _ = try reader.uint64()
      return try Region.Place.Words(&reader)
    }
    return try Region.Place(words)
  }
}
