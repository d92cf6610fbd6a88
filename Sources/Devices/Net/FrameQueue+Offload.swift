internal import SharedMemory

/// Frames whose senders left work to the device, for receivers that expect it done.
extension FrameQueue {
  /// Adds a frame with its checksum completed; false when there is no room. The place of the
  /// checksum was checked.
  package mutating func appendCompleted(
    _ header: NetHeader, _ frame: borrowing Span<UInt8>
  ) -> Bool {
    guard let place = room(for: frame.count, NetHeader()) else { return false }
    var all = bytes.mutableSpan
    var target = all._mutatingExtracting(place.range)
    copyBytes(frame, to: &target)
    NetChecksum.complete(
      &target, start: Int(header.checksumStart), offset: Int(header.checksumOffset))
    commit(place)
    return true
  }

  /// Adds the segments of a large frame; false when there was no room for all.
  package mutating func append(
    _ segmentation: NetSegmentation, of frame: borrowing Span<UInt8>
  ) -> Bool {
    for index in 0..<segmentation.count {
      guard let place = room(for: segmentation.byteCount(of: index), NetHeader()) else {
        return false
      }
      var all = bytes.mutableSpan
      var target = all._mutatingExtracting(place.range)
      segmentation.write(index, of: frame, into: &target)
      commit(place)
    }
    return true
  }
}
