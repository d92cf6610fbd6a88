internal import LinuxSystem

/// What a back end sends of its own accord ("Back-end message types"). With `needsReply` the front
/// end answers on the same channel with a number: 0 when it could do it.
extension Message {
  /// BACKEND_CONFIG_CHANGE_MSG: the configuration space has changed.
  package static func configurationChanged(needsReply: Bool = false) -> Message {
    Message(.configurationChanged, needsReply, [])
  }

  /// BACKEND_VRING_CALL: buffers of this queue were used ("In-band notifications", which asks for
  /// need_reply so that calls cannot pile up).
  package static func call(queue: Int, needsReply: Bool = true) -> Message {
    Message(.vringCall, needsReply, vringState(queue))
  }

  /// BACKEND_VRING_ERR: this queue is broken.
  package static func failure(queue: Int, needsReply: Bool = true) -> Message {
    Message(.vringError, needsReply, vringState(queue))
  }

  private init(_ request: BackendRequest, _ needsReply: Bool, _ payload: [UInt8]) {
    self.init(
      code: request.rawValue, flags: needsReply ? [.version1, .needsReply] : .version1,
      payload: payload)
  }

  /// "The state.num field is currently reserved and must be set to 0."
  private static func vringState(_ queue: Int) -> [UInt8] {
    payloadBytes {
      $0.put(UInt32(clamping: queue))
      $0.put(UInt32(0))
    }
  }
}
