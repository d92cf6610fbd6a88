/// What ends a session over a stream for good. Noise on the line does not: what was damaged is sent
/// again.
package enum StreamFault: Error, Hashable, Sendable {
  /// What comes is not this protocol.
  case noGreeting
  /// The peer speaks another version of it.
  case wrongVersion(UInt32)
  /// The peer has lost the session: it was started anew.
  case sessionLost
  /// The peer has received what nobody sent.
  case receivedUnsent(UInt64)
  /// The peer wants again what it has confirmed.
  case wantsConfirmed(UInt64)
  /// A message is missing, though nothing was damaged.
  case gap(expected: UInt64, got: UInt64)
  /// A message that means nothing, or nothing where it comes.
  case unknownMessage

  /// What to tell a person.
  package var sentence: String {
    switch self {
    case .noGreeting: "the other end of the stream does not speak this protocol"
    case .wrongVersion(let version): "the other end speaks version \(version) of the protocol"
    case .sessionLost: "the other end does not know the session any more"
    case .receivedUnsent(let number): "the other end received message \(number), which nobody sent"
    case .wantsConfirmed(let number): "the other end wants message \(number) again, which it had"
    case .gap(let expected, let got): "message \(expected) is missing before message \(got)"
    case .unknownMessage: "the other end sent a message that means nothing"
    }
  }
}
