import LinuxSystem
import Synchronization
import VhostUser

/// The least that serves a session over a socket: 60 bytes of configuration space, and queues that
/// stop where they began. It looks, applies, saves, answers and takes, as an engine does.
final class SmallBackEnd: Sendable {
  private let socket: Descriptor
  /// The record, which is all that a successor knows; and the channel.
  private let saved: Mutex<[String]>
  private let channel = Mutex<Descriptor?>(nil)

  init(_ socket: Descriptor, queueCount: Int = 2) {
    self.socket = socket
    saved = Mutex(Session(features: Bench.deviceFeatures, queueCount: queueCount).lines)
  }

  var session: Session { get throws { try Session(restoring: saved.withLock { $0 }) } }
  var backendChannel: Descriptor? { channel.withLock { $0 } }

  /// Serves until the front end leaves or breaks a rule. Each message is served by a new session
  /// from the record, as if the engine had died after the one before.
  func serve() {
    while (try? serveOne()) == true {}
    disconnect(socket)
  }

  private func serveOne() throws -> Bool {
    _ = wait(on: socket, milliseconds: -1)
    switch try peekMessage(on: socket) {
    case .ended: return false
    case .incomplete: return true
    case .message(let message, let descriptors):
      guard let answer = try answer(to: message, descriptors) else { return false }
      try consume(message, from: socket)
      if let reply = answer.reply { try send(reply, on: socket) }
      return true
    }
  }

  private func answer(
    to message: Message, _ descriptors: [Descriptor]
  ) throws -> (reply: Message?, Void)? {
    var session = try session
    do {
      let effect = try session.receive(message, descriptorCount: descriptors.count)
      let outcome = carryOut(effect, descriptors)
      let reply = try session.reply(to: message, outcome)
      saved.withLock { $0 = session.lines }
      return (reply, ())
    } catch {
      guard let refusal = session.refusal(of: message, for: error) else { return nil }
      return (refusal, ())
    }
  }

  private func carryOut(_ effect: Effect, _ descriptors: [Descriptor]) -> Outcome {
    switch effect {
    case .readConfiguration(let offset, let count):
      guard offset + count <= 60 else { return .refused }
      return .configuration((offset..<offset + count).map { UInt8($0) })
    case .writeConfiguration: return .refused
    case .backendChannel:
      channel.withLock { $0 = descriptors.first }
      return .done
    default: return .done
    }
  }
}
