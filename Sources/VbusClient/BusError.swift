public import LinuxSystem
public import Rings
public import Virtio

/// Why a client does not get what it asked for.
public enum BusError: Error, Hashable, Sendable {
  /// The host refused, and nothing has changed; or the client asked what no host can do.
  case refused(Errno)
  /// Nobody serves a bus there.
  case unreachable(Errno)
  /// The host ended the connection, or it was ended before.
  case disconnected
  /// The host did not answer in time. What became of the request is not known, so the connection
  /// has been ended. Of `VirtioDisk`: its device did not, and the connection goes on.
  case timedOut
  /// The host said what means nothing. The connection has been ended.
  case nonsense(HostNonsense)
  /// This process has no memory or descriptors left.
  case exhausted(Errno)
  /// The host broke a rule of a ring, which is of no use any more.
  case ring(RingFault)
  /// The host gave a chain back that it did not have.
  case chain(DeviceFault)
  /// The client's memory has no room for a buffer.
  case noRoom

  /// What to tell a person.
  public var sentence: String {
    switch self {
    case .refused(let errno): "refused: \(errno.text)"
    case .unreachable(let errno): "nobody serves a bus there: \(errno.text)"
    case .disconnected: "the connection to the bus has ended"
    case .timedOut: "the bus did not answer in time"
    case .nonsense(let nonsense): "the bus \(nonsense.sentence)"
    case .exhausted(let errno): "this process has too little left: \(errno.text)"
    case .ring(let fault): "a ring is broken: \(fault.sentence)"
    case .chain(let fault): "a ring is broken: \(fault.sentence)"
    case .noRoom: "the client's memory has no room for a buffer"
    }
  }
}

extension BusError: CustomStringConvertible {
  public var description: String { sentence }
}

/// What no host may say.
public enum HostNonsense: Hashable, Sendable {
  /// A message that is neither a reply nor an event.
  case neitherReplyNorEvent
  /// A reply to another verb than the one that bears its tag.
  case otherVerb(UInt32)
  /// More devices than a bus has.
  case tooManyDevices
  /// A number that its verb cannot answer.
  case impossibleAnswer(UInt64)
  /// The data of a call is not what its function answers.
  case malformedAnswer
  /// An event queue has a record that is no event.
  case malformedRecord
  /// The stream between the client and the bus is not what it has to be.
  case brokenStream

  /// What to tell a person, about the bus.
  public var sentence: String {
    switch self {
    case .neitherReplyNorEvent: "sent what is neither a reply nor an event"
    case .otherVerb(let verb): "answered verb \(verb), which was not asked"
    case .tooManyDevices: "has more devices than a bus can have"
    case .impossibleAnswer(let number): "answered \(number), which is impossible"
    case .malformedAnswer: "answered a call with what means nothing"
    case .brokenStream: "broke a rule of the stream to it"
    case .malformedRecord: "wrote an event record that is malformed"
    }
  }
}
