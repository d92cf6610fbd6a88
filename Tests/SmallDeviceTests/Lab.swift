import Engine
import LinuxSystem
import RingDriver
import SharedMemory
import Virtio

/// A device of any class with a driver of ours for each queue, and what a live device gives its
/// model.
final class Lab {
  let memory: DriverMemory
  let guest: GuestMemory
  let drivers: [SplitDriver]
  let loop: EventLoop
  private let counters: SharedFile
  private(set) var model: (any DeviceModel)?
  private(set) var woken: [Int] = []
  private(set) var failure: String?
  /// How the newest turn of a queue ended.
  private(set) var progress: Progress?

  init(
    queueCount: Int, values: [String: String], descriptors: [Descriptor] = [],
    make: (DeviceSetup) throws -> any DeviceModel
  ) throws {
    // As an engine does.
    ignoreLostReaders()
    let memory = try DriverMemory(byteCount: 1 << 22)
    self.memory = memory
    guest = try memory.mapped()
    guard let size = QueueSize(32) else { throw Errno.invalid }
    drivers = (0..<queueCount).map { _ in
      SplitDriver(size, in: memory, features: .splitRing)
    }
    loop = try EventLoop()
    counters = try SharedFile(
      mapping: try makeMemoryFile("counters", byteCount: 4096), byteCount: 4096, writable: true)
    let setup = DeviceSetup(
      values: values, descriptors: descriptors,
      counters: counters.window(at: 0, byteCount: 4096))
    let model = try make(setup)
    self.model = model
    model.negotiated(model.features)
    model.begin(on: self)
  }

  func counter(_ index: Int) -> UInt64 {
    counters.window(at: 8 * index, byteCount: 8).relaxed64(at: 0)
  }

  /// Lends chains to a queue and serves it once; what came back.
  @discardableResult
  func offer(_ chains: [[Segment]], to queue: Int) throws -> [Completion] {
    for chain in chains { _ = drivers[queue].offer(chain) }
    drivers[queue].publish()
    return try serve(queue)
  }

  @discardableResult
  func serve(_ queue: Int) throws -> [Completion] {
    let driver = drivers[queue]
    var ring = try SplitRing(
      size: driver.size, at: driver.addresses, memory: guest,
      start: driver.used.relaxed16(at: SplitLayout.index), features: .splitRing, log: nil)
    progress = try model?.serve(queue: queue, &ring, guest, budget: 32)
    ring.publish()
    return try driver.reapAll()
  }

  /// Turns the loop until the model wakes a queue; true when it did.
  func awaitWake(of queue: Int, turns: Int = 100) throws -> Bool {
    for _ in 0..<turns where !woken.contains(queue) { try loop.turn(milliseconds: 100) }
    defer { woken = [] }
    return woken.contains(queue)
  }

  /// Turns the loop as long as something is ready.
  func settle() throws { for _ in 0..<20 { try loop.turn(milliseconds: 0) } }
}

extension Lab: DeviceHost {
  func wake(queue index: Int) { woken.append(index) }

  func watch(
    _ descriptor: Descriptor, for readiness: Readiness, handler: @escaping (Readiness) -> Void
  ) throws(Errno) -> EventLoop.Token {
    try loop.watch(descriptor, for: readiness, handler: handler)
  }

  func rewatch(_ token: EventLoop.Token, for readiness: Readiness) {
    try? loop.rewatch(token, for: readiness)
  }

  func after(milliseconds: UInt64, handler: @escaping () -> Void) -> EventLoop.Token {
    loop.after(milliseconds: milliseconds, handler: handler)
  }

  func remove(_ token: EventLoop.Token) { loop.remove(token) }
  func configurationChanged() {}
  func shared<Common: AnyObject>(_ name: String, make: () -> Common) -> Common { make() }
  func hostFailed(_ sentence: String) { failure = sentence }
}
