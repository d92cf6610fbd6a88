internal import LinuxSystem
internal import SharedMemory
internal import Virtio

/// Discard and write zeroes (VIRTIO 1.2 section 5.2.6): requests that carry ranges, not data.
extension BlkDisk {
  /// Checks all ranges, then changes all: a refused request changes nothing.
  mutating func change(
    _ data: Segments.Position, _ memory: GuestMemory, isDiscard: Bool
  ) throws(MemoryFault) -> BlkOutcome {
    let byteCount = segments.readableBytes - BlkHeader.byteCount
    guard !isReadOnly, byteCount > 0, byteCount % UInt64(BlkRange.byteCount) == 0,
      byteCount <= UInt64(BlkLimits.ranges * BlkRange.byteCount)
    else { return .failed }
    // Copied once: the guest may change them at any time. As long as `BlkLimits.ranges` ranges.
    var bytes = InlineArray<256, UInt8>(repeating: 0)
    var span = bytes.mutableSpan
    var place = data
    _ = try segments.copyOut(&place, into: &span, of: memory)
    let count = Int(byteCount) / BlkRange.byteCount
    var sectors: UInt64 = 0
    for index in 0..<count {
      let range = BlkRange(bytes.span, at: index * BlkRange.byteCount)
      // 5.2.6.2: unknown flags, and `unmap` for a discard, are UNSUPP.
      guard !range.hasUnknownFlags, !(isDiscard && range.mayUnmap) else { return .unsupported }
      guard isLegal(range, isDiscard) else { return .failed }
      sectors += UInt64(range.sectorCount)
    }
    for index in 0..<count {
      let range = BlkRange(bytes.span, at: index * BlkRange.byteCount)
      guard isDone(range, isDiscard) else { return .failed }
    }
    // Zeros are written like any data.
    guard isDiscard || isStable() else { return .failed }
    counters.add(to: isDiscard ? .discardOperations : .writeZeroesOperations)
    counters.add(sectors * 512, to: isDiscard ? .discardBytes : .writeZeroesBytes)
    return BlkOutcome(status: .ok)
  }

  private func isLegal(_ range: BlkRange, _ isDiscard: Bool) -> Bool {
    range.sectorCount <= (isDiscard ? BlkLimits.discardSectors : BlkLimits.zeroSectors)
      && range.sector <= capacitySectors
      && UInt64(range.sectorCount) <= capacitySectors - range.sector
  }

  private func isDone(_ range: BlkRange, _ isDiscard: Bool) -> Bool {
    guard let file, range.sectorCount > 0 else { return true }
    let (offset, byteCount) = (range.sector * 512, UInt64(range.sectorCount) * 512)
    do throws(Errno) {
      if isDiscard || range.mayUnmap {
        try punchHole(file, at: offset, byteCount: byteCount)
      } else {
        try zeroRange(file, at: offset, byteCount: byteCount)
      }
      return true
    } catch {
      guard error == .notSupported || error == .invalid else { return false }
    }
    // A discard is a hint: a host that cannot give blocks back keeps them (5.2.6.2).
    guard !isDiscard else { return true }
    do { try writeZeros(file, at: offset, byteCount: byteCount) } catch { return false }
    return true
  }
}
