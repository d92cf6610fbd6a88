internal import LinuxSystem
internal import SharedMemory
internal import Virtio

/// How a request went: its status, and how many writable bytes it filled before the status byte.
struct BlkOutcome {
  var status: BlkStatus
  var filled: UInt64 = 0

  static let failed = BlkOutcome(status: .failed)
  static let unsupported = BlkOutcome(status: .unsupported)
}

extension BlkDisk {
  /// Performs the request in `segments`; answers how many bytes were written to it.
  ///
  /// The header is the first 16 readable bytes and the status the last writable one, however the
  /// driver cut them (VIRTIO 1.2 section 2.7.4.1).
  mutating func perform(_ memory: GuestMemory) throws(RingFault) -> UInt32 {
    guard segments.writableBytes > 0 else { throw .noRoomForAnswer }
    do throws(MemoryFault) {
      let outcome = try outcome(memory)
      if outcome.status != .ok { counters.add(to: .errors) }
      return try finish(outcome, memory)
    } catch { throw .memory(error) }
  }

  private mutating func outcome(_ memory: GuestMemory) throws(MemoryFault) -> BlkOutcome {
    guard segments.readableBytes >= BlkHeader.byteCount else { return .failed }
    var bytes = InlineArray<16, UInt8>(repeating: 0)
    var span = bytes.mutableSpan
    var place = segments.readable(from: 0)
    _ = try segments.copyOut(&place, into: &span, of: memory)
    let header = BlkHeader(bytes.span)
    switch header.type {
    case BlkRequestType.read: return try read(from: header.sector, memory)
    case BlkRequestType.write: return try write(from: header.sector, place, memory)
    case BlkRequestType.flush: return flush()
    case BlkRequestType.getID: return try identify(memory)
    case BlkRequestType.discard:
      guard acked.contains(.blkDiscard) || isReadOnly else { return .unsupported }
      return try change(place, memory, isDiscard: true)
    case BlkRequestType.writeZeroes:
      guard acked.contains(.blkWriteZeroes) || isReadOnly else { return .unsupported }
      return try change(place, memory, isDiscard: false)
    default: return .unsupported
    }
  }

  /// Writes the status. What the request left unfilled before it becomes zeros, so that the
  /// length that is told is true (2.7.8.2) and no stale byte passes for data.
  private mutating func finish(
    _ outcome: BlkOutcome, _ memory: GuestMemory
  ) throws(MemoryFault) -> UInt32 {
    let data = segments.writableBytes - 1
    let isWhole = data <= BlkLimits.requestByteCount
    if isWhole, outcome.filled < data {
      var rest = segments.writable(from: outcome.filled)
      try segments.fillZero(&rest, data - outcome.filled, of: memory)
    }
    let status: InlineArray<1, UInt8> = [outcome.status.rawValue]
    var place = segments.writable(from: data)
    _ = try segments.copyIn(status.span, at: &place, of: memory)
    return isWhole ? UInt32(data + 1) : UInt32(clamping: outcome.filled)
  }

  /// Whole sectors, not too many, all on the disk (5.2.6.1).
  private func isLegal(_ sector: UInt64, _ byteCount: UInt64) -> Bool {
    byteCount % 512 == 0 && byteCount <= BlkLimits.requestByteCount && sector <= capacitySectors
      && byteCount / 512 <= capacitySectors - sector
  }

  private mutating func read(
    from sector: UInt64, _ memory: GuestMemory
  ) throws(MemoryFault) -> BlkOutcome {
    let byteCount = segments.writableBytes - 1
    guard isLegal(sector, byteCount) else { return .failed }
    var place = segments.writable(from: 0)
    var done: UInt64 = 0
    while let file, done < byteCount {
      transfer.removeAll()
      let part = try segments.add(
        &place, to: &transfer, limit: byteCount - done, of: memory)
      guard let moved = try? transfer.read(file, at: sector * 512 + done), moved == part, part > 0
      else {
        // An error, or the file became shorter than the disk.
        return .failed
      }
      done += part
    }
    counters.add(to: .readOperations)
    counters.add(byteCount, to: .readBytes)
    return BlkOutcome(status: .ok, filled: done)
  }

  private mutating func write(
    from sector: UInt64, _ data: Segments.Position, _ memory: GuestMemory
  ) throws(MemoryFault) -> BlkOutcome {
    let byteCount = segments.readableBytes - BlkHeader.byteCount
    // 5.2.6.2: a write to a read-only disk fails and writes nothing.
    guard !isReadOnly, isLegal(sector, byteCount) else { return .failed }
    var place = data
    var done: UInt64 = 0
    while let file, done < byteCount {
      transfer.removeAll()
      let part = try segments.add(
        &place, to: &transfer, limit: byteCount - done, of: memory)
      guard let moved = try? transfer.write(file, at: sector * 512 + done), moved == part, part > 0
      else {
        return .failed
      }
      done += part
    }
    guard isStable() else { return .failed }
    counters.add(to: .writeOperations)
    counters.add(byteCount, to: .writeBytes)
    return BlkOutcome(status: .ok)
  }

  /// Makes what was written stable if it must be before the request completes.
  func isStable() -> Bool { !isWriteThrough || isSynchronized() }

  private func isSynchronized() -> Bool {
    guard let file else { return true }
    do { try synchronizeData(file) } catch { return false }
    return true
  }

  private func flush() -> BlkOutcome {
    guard isSynchronized() else { return .failed }
    counters.add(to: .flushOperations)
    return BlkOutcome(status: .ok)
  }

  /// The serial, padded with NUL bytes to 20 and then not ended by one (5.2.6).
  private mutating func identify(_ memory: GuestMemory) throws(MemoryFault) -> BlkOutcome {
    let room = segments.writableBytes - 1
    guard room >= UInt64(BlkLimits.serialByteCount) else { return .failed }
    var place = segments.writable(from: 0)
    let serial = serial
    let filled = try segments.copyIn(serial.span, at: &place, of: memory)
    return BlkOutcome(status: .ok, filled: UInt64(filled))
  }
}
