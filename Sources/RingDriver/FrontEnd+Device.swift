package import LinuxSystem
internal import VhostUser

extension FrontEnd {
  /// GET_CONFIG: bytes of the device's configuration space. Empty when the back end refuses.
  package func configuration(offset: UInt32, count: Int) throws(FrontEndError) -> [UInt8] {
    let zeros = [UInt8](repeating: 0, count: count)
    let answer = try ask(
      Message(.getConfiguration, payload: configurationPayload(offset, zeros, 0)))
    return Array(answer.payload.dropFirst(12))
  }

  /// SET_CONFIG, of fields that a driver may write.
  package func setConfiguration(offset: UInt32, _ bytes: [UInt8]) throws(FrontEndError) {
    try tell(.setConfiguration, configurationPayload(offset, bytes, 0))
  }

  /// GET_STATUS.
  package func status() throws(FrontEndError) -> UInt8 {
    UInt8(truncatingIfNeeded: try ask(Message(.getStatus)).expectNumber())
  }

  /// SET_STATUS; 0 resets the device.
  package func setStatus(_ status: UInt8) throws(FrontEndError) {
    try tell(.setStatus, payloadBytes { $0.put(UInt64(status)) })
  }

  /// RESET_DEVICE.
  package func resetDevice() throws(FrontEndError) { try tell(.resetDevice) }

  /// SET_BACKEND_REQ_FD: opens the channel for the back end's own messages, and answers our end of
  /// it, for `receiveMessage(from:milliseconds:)`.
  package func openBackendChannel() throws(FrontEndError) -> Descriptor {
    let ends: (Descriptor, Descriptor)
    do { ends = try makeStreamPair() } catch { throw .link(.connection(error)) }
    try tell(.setBackendChannel, [], [ends.1])
    return ends.0
  }

  private func configurationPayload(
    _ offset: UInt32, _ bytes: [UInt8], _ flags: UInt32
  ) -> [UInt8] {
    let header = payloadBytes {
      $0.put(offset)
      $0.put(UInt32(clamping: bytes.count))
      $0.put(flags)
    }
    return header + bytes
  }
}
