/// What a client asks of the bus. The first five have the original's numbers.
package enum Verb: UInt32, CaseIterable, Sendable {
  case openDevice = 0
  case closeDevice
  case callDevice
  case shareMemory
  case signal
  case hello = 16
  case addMemory
  case dropMemory
  case addEventQueue
  /// Events may come: DEVADD for what is there first.
  case ready
  /// Answers of how many devices the coming or going has not been told yet. With 0, all that was
  /// there when it was answered was told before the answer.
  case untold
  /// Requests may come through a block of the client's memory: `FastCallLayout`.
  case addFastCall

  /// The exact length of the payload.
  package var payloadByteCount: Int {
    switch self {
    case .openDevice, .hello: 16
    case .closeDevice, .dropMemory, .addFastCall: 8
    case .callDevice: 32
    case .shareMemory: 48
    case .signal: 4
    case .addMemory, .addEventQueue: 24
    case .ready, .untold: 0
    }
  }
}
