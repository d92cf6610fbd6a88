package import LinuxSystem
package import VhostUser

/// A vhost-user front end: what a virtual machine monitor does on its side of the socket.
///
/// Each method sends its message and, where one is due, waits for the reply, for at most
/// `patienceMilliseconds`. With acknowledged replies negotiated every message asks for one, so a
/// method that returns was carried out. Without, `receive` and any later question show a closed
/// connection.
package struct FrontEnd: Sendable {
  package let socket: Descriptor
  /// How long any reply is waited for.
  package let patienceMilliseconds: Int32
  package private(set) var protocolFeatures: ProtocolFeatures = []

  /// A front end on a socket that is connected already.
  package init(_ socket: Descriptor, patienceMilliseconds: Int32 = 5000) {
    self.socket = socket
    self.patienceMilliseconds = patienceMilliseconds
  }

  /// Connects to a back end that listens.
  package init(
    connectingTo path: String, patienceMilliseconds: Int32 = 5000
  ) throws(FrontEndError) {
    do { socket = try connect(to: path) } catch { throw .link(.connection(error)) }
    self.patienceMilliseconds = patienceMilliseconds
  }

  /// Owner, features, protocol features: takes of both what is wanted and offered, and answers
  /// the feature word that was acked. In-band notifications only when asked for.
  @discardableResult
  package mutating func negotiate(
    features wanted: UInt64 = .max,
    protocolFeatures wantedProtocol: ProtocolFeatures = .usual
  ) throws(FrontEndError) -> UInt64 {
    let features = try introduce(features: wanted, protocolFeatures: wantedProtocol)
    try setFeatures(features)
    return features
  }

  /// As `negotiate`, up to the features: answers those that are wanted and offered.
  package mutating func introduce(
    features wanted: UInt64 = .max, protocolFeatures wantedProtocol: ProtocolFeatures = .usual
  ) throws(FrontEndError) -> UInt64 {
    let features = try ask(Message(.getFeatures)).expectNumber() & wanted
    if features & VhostFeatures.protocolFeatures != 0 {
      let offered = ProtocolFeatures(
        rawValue: try ask(Message(.getProtocolFeatures)).expectNumber())
      try setProtocolFeatures(offered.intersection(wantedProtocol))
    }
    try tell(.setOwner)
    return features
  }

  /// SET_FEATURES: those that the driver takes.
  package func setFeatures(_ features: UInt64) throws(FrontEndError) {
    try tell(.setFeatures, payloadBytes { $0.put(features) })
  }

  /// SET_PROTOCOL_FEATURES; from here on replies are asked for as it says.
  package mutating func setProtocolFeatures(
    _ features: ProtocolFeatures
  ) throws(FrontEndError) {
    protocolFeatures = features
    try tell(.setProtocolFeatures, payloadBytes { $0.put(features.rawValue) })
  }
}

// MARK: - Messages of any kind

extension FrontEnd {
  /// Sends any message as it is: a hostile one too.
  package func send(_ message: Message, _ descriptors: [Descriptor] = []) throws(FrontEndError) {
    try send(message.bytes, descriptors)
  }

  /// Sends any bytes: not even a message.
  package func send(_ bytes: [UInt8], _ descriptors: [Descriptor] = []) throws(FrontEndError) {
    do { try sendBytes(bytes, descriptors, through: socket) } catch {
      throw .link(.connection(error))
    }
  }

  /// The next message of the back end.
  package func receive() throws(FrontEndError) -> Message {
    try receiveMessage(from: socket, milliseconds: patienceMilliseconds)
  }

  /// Sends a question and waits for its answer.
  package func ask(
    _ message: Message, _ descriptors: [Descriptor] = []
  ) throws(FrontEndError) -> Message {
    try send(message, descriptors)
    let answer = try receive()
    guard answer.code == message.code, answer.flags == [.version1, .reply] else {
      throw .wrongReply(answer.code)
    }
    return answer
  }

  /// Sends an order; waits until it is carried out when that can be known.
  package func tell(
    _ request: Request, _ payload: [UInt8] = [], _ descriptors: [Descriptor] = []
  ) throws(FrontEndError) {
    guard protocolFeatures.contains(.replyAcknowledge) else {
      return try send(Message(request, payload: payload), descriptors)
    }
    let message = Message(request, needsReply: true, payload: payload)
    guard try ask(message, descriptors).expectNumber() == 0 else { throw .refused(request) }
  }
}

/// What keeps a front end from going on.
package enum FrontEndError: Error, Equatable {
  case link(SessionFault)
  case timedOut
  /// The back end acknowledged with a number that is not 0.
  case refused(Request)
  case wrongReply(UInt32)
}

extension Message {
  func expectNumber() throws(FrontEndError) -> UInt64 {
    do { return try number() } catch { throw .link(error) }
  }
}

/// Waits for one whole message on a stream socket and takes it.
package func receiveMessage(
  from socket: Descriptor, milliseconds: Int32
) throws(FrontEndError) -> Message {
  let deadline = monotonicNanoseconds() + UInt64(max(0, milliseconds)) * 1_000_000
  while true {
    let now = monotonicNanoseconds()
    if let message = try takeMessage(from: socket) { return message }
    guard now < deadline else { throw .timedOut }
    _ = wait(on: socket, milliseconds: Int32(clamping: (deadline - now) / 1_000_000 + 1))
  }
}

/// The message that waits, if it is whole.
private func takeMessage(from socket: Descriptor) throws(FrontEndError) -> Message? {
  do throws(SessionFault) {
    switch try peekMessage(on: socket) {
    case .message(let message, _):
      try consume(message, from: socket)
      return message
    case .incomplete: return nil
    case .ended: throw SessionFault.ended
    }
  } catch { throw .link(error) }
}
