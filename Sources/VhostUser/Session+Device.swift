internal import LinuxSystem

extension Session {
  func getConfiguration(_ message: Message) throws(SessionFault) -> Effect {
    try require(.configuration, for: .getConfiguration)
    let range = try configurationRange(of: message)
    return .readConfiguration(offset: range.offset, count: range.bytes.count)
  }

  func setConfiguration(_ message: Message) throws(SessionFault) -> Effect {
    try require(.configuration, for: .setConfiguration)
    let range = try configurationRange(of: message)
    return .writeConfiguration(
      offset: range.offset, bytes: range.bytes, isMigration: range.flags == 1)
  }

  /// "Virtio device config space": offset, size, flags, and `size` bytes in a question too.
  private func configurationRange(
    of message: Message
  ) throws(SessionFault) -> (offset: Int, flags: UInt32, bytes: [UInt8]) {
    let headerByteCount = 12
    var reader = WireReader(message.payload)
    let words: (offset: UInt32, count: UInt32, flags: UInt32)
    do { words = (try reader.uint32(), try reader.uint32(), try reader.uint32()) } catch {
      throw .payloadSize(message.code, message.payload.count)
    }
    let (end, overflow) = words.offset.addingReportingOverflow(words.count)
    guard words.count > 0, !overflow, end <= Limits.configurationByteCountMax else {
      throw .configurationRange(offset: words.offset, count: words.count)
    }
    guard message.payload.count == headerByteCount + Int(words.count) else {
      throw .payloadSize(message.code, message.payload.count)
    }
    // 0: writable fields; 1: live migration.
    guard words.flags <= 1 else { throw .configurationFlags(words.flags) }
    return (Int(words.offset), words.flags, Array(message.payload.dropFirst(headerByteCount)))
  }

  /// SET_STATUS. 0 is the driver's reset (VIRTIO 1.2, 2.1), but stops no ring here: QEMU says so
  /// first and asks with GET_VRING_BASE afterwards where each ring stopped.
  mutating func setStatus(_ message: Message) throws(SessionFault) -> Effect {
    try require(.status, for: .setStatus)
    let value = try message.number()
    guard let value = UInt8(exactly: value) else { throw .statusValue(value) }
    status = value
    return .statusChanged(value)
  }

  /// RESET_DEVICE: "disable all rings and reset all internal device state to the initial state …
  /// retains ownership". The connection stays what it is: its memory (QEMU sends only changes after
  /// this), channel, protocol features, and the feature word until SET_FEATURES brings the next.
  mutating func resetDevice(_ message: Message) throws(SessionFault) -> Effect {
    try require(.resetDevice, for: .resetDevice)
    try message.expectNoPayload()
    status = 0
    for index in queues.indices { queues[index].reset() }
    return .reset
  }
}
