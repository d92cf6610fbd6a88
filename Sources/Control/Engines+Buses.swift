internal import EngineLink
internal import LinuxSystem
internal import Model

/// A container's socket. While no engine of the container runs, control waits for somebody to
/// connect; who does is accepted by the engine.
final class ListeningBus {
  let listener: Descriptor
  var offer: ContainerOffer
  var watch: EventLoop.Token?

  init(_ listener: Descriptor, _ offer: ContainerOffer) {
    self.listener = listener
    self.offer = offer
  }
}

extension Engines {
  /// How long an engine that was started for a client waits for it: it may be gone already.
  private static let awaitingMilliseconds: UInt64 = 1000
  /// How long a client waits when an engine cannot be started.
  private static let pauseMilliseconds: UInt64 = 1000

  /// From here on native clients can attach to a container.
  func open(_ container: ObjectID, _ listener: Descriptor, _ offer: ContainerOffer) {
    if let watch = buses[container]?.watch { loop.remove(watch) }
    buses[container] = ListeningBus(listener, offer)
    if let engine = engines[container] { handOver(to: engine) } else { listen(container) }
  }

  /// Others may attach than before.
  func change(_ container: ObjectID, _ offer: ContainerOffer) {
    guard let bus = buses[container], bus.offer != offer else { return }
    bus.offer = offer
    if let engine = engines[container] { handOver(to: engine) }
  }

  /// The container is gone, and its engine with it, as soon as no device is being stopped there.
  func close(_ container: ObjectID) {
    if let watch = buses.removeValue(forKey: container)?.watch { loop.remove(watch) }
    guard let engine = engines[container] else { return }
    engine.isAbandoned = true
    retireIfIdle(engine)
  }

  /// The engine accepts, and nobody else does.
  func handOver(to engine: EngineProcess) {
    guard let bus = buses[engine.container] else { return }
    if let watch = bus.watch { loop.remove(watch) }
    bus.watch = nil
    engine.attend(EngineProcess.Bus(listener: bus.listener, offer: bus.offer))
  }

  /// Waits for a client while there is no engine.
  func listen(_ container: ObjectID) {
    guard let bus = buses[container], bus.watch == nil, engines[container] == nil else { return }
    bus.watch = try? loop.watch(bus.listener) { [weak self] _ in self?.wake(container) }
    if bus.watch == nil { listenLater(container) }
  }

  private func listenLater(_ container: ObjectID) {
    _ = loop.after(milliseconds: Self.pauseMilliseconds) { [weak self] in
      self?.listen(container)
    }
  }

  /// Somebody has connected.
  private func wake(_ container: ObjectID) {
    guard let bus = buses[container], let watch = bus.watch else { return }
    loop.remove(watch)
    bus.watch = nil
    do throws(Errno) {
      let engine = try engine(of: container)
      engine.isAwaited = true
      _ = loop.after(milliseconds: Self.awaitingMilliseconds) { [weak self, weak engine] in
        guard let engine else { return }
        engine.isAwaited = false
        self?.retireIfIdle(engine)
      }
    } catch { listenLater(container) }
  }
}
