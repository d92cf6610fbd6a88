package import EngineLink
internal import Keeper
package import LinuxSystem
internal import Synchronization

/// Control's part towards one engine, on a thread of its own: whenever the engine is another one,
/// it tells it the full state.
package final class Shepherd: Sendable {
  private struct Served {
    let offer: DeviceOffer
    let descriptors: [Descriptor]
  }

  private struct State {
    let control: PlayedProgram
    var served: [Served] = []
    var container: (offer: ContainerOffer, listener: Descriptor)?
    var epoch: UInt64 = 0
    var engine: Int32?
    var heard: [EngineMessage] = []
    var isEnding = false
    /// Epochs are begun, and not completed.
    var isHesitating = false
    /// What the engine says is not read.
    var isDeaf = false
  }

  private let state: Mutex<State>
  private let link: Channel
  private let news: Descriptor

  package init(_ control: sending PlayedProgram, _ link: Channel) throws {
    self.link = link
    news = control.keeper.channel.descriptor
    state = Mutex(State(control: control))
    _ = try Thread { [self] in watch() }
  }

  package func end() { state.withLock { $0.isEnding = true } }

  private func watch() {
    while !state.withLock({ $0.isEnding }) {
      _ = wait(on: news, milliseconds: 5)
      state.withLock { turn(&$0) }
    }
  }

  private func turn(_ state: inout State) {
    for program in (try? state.control.keeper.changes()) ?? [] where program.name == "engine" {
      guard let pid = program.pid, pid != state.engine else { continue }
      state.engine = pid
      beginEpoch(&state)
    }
    while !state.isDeaf, let packet = try? link.receive() {
      if let message = EngineMessage(packet.bytes) { state.heard.append(message) }
    }
  }

  private func beginEpoch(_ state: inout State) {
    state.epoch += 1
    tell(.hello(epoch: state.epoch))
    if let container = state.container {
      tell(.container(container.offer), [container.listener])
    }
    for served in state.served { tell(.device(served.offer), served.descriptors) }
    if !state.isHesitating { tell(.complete(epoch: state.epoch)) }
  }

  private func tell(_ message: ControlMessage, _ descriptors: [Descriptor] = []) {
    try? link.send(Packet(message.bytes, descriptors))
  }

  // MARK: Wishes

  /// Has a device served; the engine's answer.
  package func serve(_ offer: DeviceOffer, _ descriptors: [Descriptor]) throws -> EngineMessage {
    _ = try awaitEngine()
    state.withLock {
      $0.served.append(Served(offer: offer, descriptors: descriptors))
      tell(.device(offer), descriptors)
    }
    return try hear {
      switch $0 {
      case .started(offer.id, _), .refused(offer.id, _, _, _): true
      default: false
      }
    }
  }

  /// Has native clients accepted from here on.
  package func accept(_ offer: ContainerOffer, _ listener: Descriptor) {
    state.withLock {
      $0.container = (offer, listener)
      tell(.container(offer), [listener])
    }
  }

  /// Tells the next engine everything, but not that it is everything, until `complete`.
  package func hesitate() { state.withLock { $0.isHesitating = true } }

  package func complete() {
    state.withLock {
      $0.isHesitating = false
      tell(.complete(epoch: $0.epoch))
    }
  }

  /// Reads nothing that the engine says while `body` goes on.
  package func deaf(_ body: () throws -> Void) rethrows {
    state.withLock { $0.isDeaf = true }
    defer { state.withLock { $0.isDeaf = false } }
    try body()
  }

  /// What the engine has said since it was heard last, after a pause in which it could go on.
  package func heard(milliseconds: UInt32) -> [EngineMessage] {
    pause(milliseconds: milliseconds)
    return state.withLock { state in
      defer { state.heard = [] }
      return state.heard
    }
  }

  /// Has nobody keep the device any longer.
  package func revoke(_ id: UInt64) { state.withLock { _ in tell(.revoke(id: id)) } }

  /// Asks the engine to end if it has nothing to do.
  package func retire() { state.withLock { tell(.retire(epoch: $0.epoch)) } }

  /// Puts a device into the full state, and tells nobody.
  package func hold(_ offer: DeviceOffer, _ descriptors: [Descriptor]) {
    state.withLock { $0.served.append(Served(offer: offer, descriptors: descriptors)) }
  }

  /// Has a device served no more.
  package func stop(_ id: UInt64) throws {
    forget(id)
    tell(.stop(id: id))
    _ = try hear { if case .stopped(id, _) = $0 { true } else { false } }
  }

  /// Takes a device out of the full state, and tells nobody.
  package func forget(_ id: UInt64) { state.withLock { $0.served.removeAll { $0.offer.id == id } } }

  /// Begins an epoch as another control would, and waits until the engine has settled in it.
  package func renew() throws {
    let epoch = state.withLock {
      beginEpoch(&$0)
      return $0.epoch
    }
    _ = try hear { $0 == .settled(epoch: epoch) }
  }

  /// Names of what the keeper has below one.
  package func kept(below name: String) throws -> [String] {
    try state.withLock { try $0.control.keeper.take(name).map(\.name) }
  }

  /// What the keeper has by a name.
  package func take(_ name: String) throws -> Descriptor {
    guard let item = try state.withLock({ try $0.control.keeper.take(name) }).first else {
      throw Errno.noEntry
    }
    return item.descriptor
  }

  /// Sends bytes that are no message.
  package func send(_ bytes: [UInt8]) throws { try link.send(Packet(bytes)) }

  /// Waits for a message of the engine; those before it are forgotten.
  package func hear(
    milliseconds: Int = 10_000, _ isDue: (EngineMessage) -> Bool
  ) throws -> EngineMessage {
    try poll(milliseconds) { state in
      guard let index = state.heard.firstIndex(where: isDue) else { return nil }
      defer { state.heard.removeFirst(index + 1) }
      return state.heard[index]
    }
  }

  package func awaitEngine(after former: Int32? = nil) throws -> Int32 {
    try poll { $0.engine == former ? nil : $0.engine }
  }

  private func poll<Value: Sendable>(
    _ milliseconds: Int = 10_000, _ look: (inout State) -> Value?
  ) throws -> Value {
    for _ in 0..<milliseconds {
      if let found = state.withLock({ look(&$0) }) { return found }
      pause(milliseconds: 1)
    }
    throw Errno.timedOut
  }
}
