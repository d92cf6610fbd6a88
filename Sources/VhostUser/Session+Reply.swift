internal import LinuxSystem

extension Session {
  /// The answer to a message that was received and carried out; `nil` when none is due.
  ///
  /// Throws when it could not be carried out and the front end cannot be told so: then the
  /// connection has to be closed.
  package func reply(
    to message: Message, _ outcome: Outcome = .done
  ) throws(SessionFault) -> Message? {
    guard let request = message.request else { throw .unknownRequest(message.code) }
    guard outcome != .refused else {
      guard let refusal = refusal(of: message, for: .refused(request)) else {
        throw .refused(request)
      }
      return refusal
    }
    switch request {
    case .getFeatures: return message.reply(offeredFeatures)
    case .getProtocolFeatures: return message.reply(offeredProtocolFeatures.rawValue)
    case .getQueueCount: return message.reply(UInt64(clamping: queueNumber))
    case .getMemorySlotsMax: return message.reply(UInt64(Limits.regionCountMax))
    case .getStatus: return message.reply(UInt64(status))
    case .getVringBase: return try vringBaseReply(to: message)
    case .getConfiguration: return configurationReply(to: message, outcome)
    default: return isAcknowledged(message) ? message.reply(0) : nil
    }
  }

  /// The answer that refuses a message; `nil` when the connection has to be closed instead.
  ///
  /// "The payload should be set to zero on success or non-zero on failure, unless the message
  /// already has an explicit reply body." Of those only GET_CONFIG knows a refusal: "zero length
  /// of payload to indicate an error".
  package func refusal(of message: Message, for fault: SessionFault) -> Message? {
    guard !fault.closesConnection else { return nil }
    if message.request == .getConfiguration { return message.reply([]) }
    guard isAcknowledged(message), message.request?.hasOwnReply != true else { return nil }
    return message.reply(1)
  }

  /// need_reply counts when REPLY_ACK is negotiated, by this very message too.
  private func isAcknowledged(_ message: Message) -> Bool {
    message.flags.contains(.needsReply) && protocolFeatures.contains(.replyAcknowledge)
  }

  private func vringBaseReply(to message: Message) throws(SessionFault) -> Message {
    let index = try message.decode { (reader) throws(WireError) in
      let index = try reader.uint32()
      _ = try reader.uint32()
      return index
    }
    guard index < queues.count else { throw .unknownQueue(UInt64(index)) }
    let base = queues[Int(index)].base
    return message.reply(
      payloadBytes {
        $0.put(index)
        $0.put(base)
      })
  }

  /// "back-end's payload size MUST match the front-end's request".
  private func configurationReply(to message: Message, _ outcome: Outcome) -> Message {
    let header = 12
    guard case .configuration(let bytes) = outcome, bytes.count + header == message.payload.count
    else { return message.reply([]) }
    return message.reply(Array(message.payload.prefix(header)) + bytes)
  }
}
