package import LinuxSystem

/// Every rule of the protocol that a peer can break; what each case means is its `sentence`.
package enum SessionFault: Error, Hashable, Sendable {
  // The stream.
  case connection(Errno)
  case ended
  case truncatedHeader
  case version(UInt32)
  case payloadTooLong(UInt32)
  // Any message.
  case unknownRequest(UInt32)
  case unsupported(Request)
  case notNegotiated(Request)
  case unexpectedReply
  case payloadSize(UInt32, Int)
  case descriptorCount(Int, expected: Int)
  /// A descriptor of a file system that another process answers for.
  case remoteDescriptor
  // Negotiation.
  case featuresNotOffered(UInt64)
  case protocolFeaturesNotOffered(UInt64)
  case inBandWithoutChannel
  // Memory.
  case tooManyRegions(Int)
  case impossibleRegion
  case overlappingRegions
  case unknownRegion
  // Queues.
  case unknownQueue(UInt64)
  case queueSize(UInt32)
  case queueFlags(UInt32)
  case unalignedRing
  case queueBase(UInt32)
  case queueIsRunning(Int)
  case enableValue(UInt32)
  case doorbellBits(UInt64)
  case kickValue(UInt32)
  // Configuration and status.
  case configurationRange(offset: UInt32, count: UInt32)
  case configurationFlags(UInt32)
  case statusValue(UInt64)
  // Carrying out.
  case refused(Request)
  // Restoring.
  case malformedRecord(line: Int)
}

extension SessionFault {
  /// After these nothing more can be understood, or the specification asks to close.
  package var closesConnection: Bool {
    switch self {
    case .connection, .ended, .truncatedHeader, .version, .payloadTooLong, .unexpectedReply,
      .inBandWithoutChannel, .remoteDescriptor, .malformedRecord:
      true
    default: false
    }
  }

  /// The fault as a sentence for `last_error`.
  package var sentence: String {
    switch self {
    case .connection(let errno): "the connection failed: \(errno.text)"
    case .ended: "the front end closed the connection"
    case .truncatedHeader: "a message ended within its header"
    case .version(let version): "a message has version \(version), and only 1 is known"
    case .payloadTooLong(let count):
      "a message announces \(count) bytes, and \(Limits.payloadByteCountMax) are allowed"
    case .unknownRequest(let code): "there is no vhost-user request \(code)"
    case .unsupported(let request): "\(request.name) is not supported"
    case .notNegotiated(let request): "\(request.name) was sent without its protocol feature"
    case .unexpectedReply: "a front end sent a reply to nothing"
    case .payloadSize(let code, let count):
      "\(Self.name(of: code)) has \(count) bytes, which is not its size"
    case .descriptorCount(let count, let expected):
      "a message came with \(count) descriptors instead of \(expected)"
    case .remoteDescriptor:
      "a descriptor lies in a file system that another process or machine answers for"
    case .featuresNotOffered(let bits): "features \(hexadecimal(bits)) were acked but never offered"
    case .protocolFeaturesNotOffered(let bits):
      "protocol features \(hexadecimal(bits)) were acked but never offered"
    case .inBandWithoutChannel:
      "in-band notifications need a back-end channel and acknowledged replies"
    default: laterSentence
    }
  }

  private var laterSentence: String {
    switch self {
    case .tooManyRegions(let count): "\(count) memory regions are more than allowed"
    case .impossibleRegion: "a memory region is empty or runs over the end of its space"
    case .overlappingRegions: "two memory regions overlap"
    case .unknownRegion: "the memory region to remove is not there"
    case .unknownQueue(let index): "there is no queue \(index)"
    case .queueSize(let size): "a queue cannot have \(size) entries"
    case .queueFlags(let flags): "queue flags \(hexadecimal(UInt64(flags))) are not supported"
    case .unalignedRing: "a ring address is not aligned"
    case .queueBase(let base): "queue base \(base) is not an index"
    case .queueIsRunning(let index): "queue \(index) is running and cannot be changed so"
    case .enableValue(let value): "a queue is enabled with 1 and disabled with 0, not \(value)"
    case .doorbellBits(let bits): "doorbell word \(hexadecimal(bits)) has unknown bits"
    case .kickValue(let value): "an in-band kick has \(value) where 0 is due"
    case .configurationRange(let offset, let count):
      "the configuration space has no \(count) bytes at \(offset)"
    case .configurationFlags(let flags): "configuration flags \(flags) are unknown"
    case .statusValue(let value): "status \(hexadecimal(value)) does not fit a byte"
    case .refused(let request): "\(request.name) could not be carried out"
    case .malformedRecord(let line): "line \(line) of the session record is malformed"
    default: "the front end broke the protocol"
    }
  }

  private static func name(of code: UInt32) -> String {
    Request(rawValue: code)?.name ?? "request \(code)"
  }
}

/// `0x1f`, as every mask is written.
func hexadecimal(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
