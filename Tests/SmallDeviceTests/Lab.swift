import Engine
import LinuxSystem
import RingDriver
import SharedMemory
import TestSupport
import Virtio

/// A device of any class with a driver of ours for each queue.
final class Lab {
  let memory: DriverMemory
  let guest: GuestMemory
  let drivers: [SplitDriver]
  let host: PlayedHost
  private let counters: SharedFile
  private(set) var model: (any DeviceModel)?
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
    host = try PlayedHost()
    counters = try SharedFile(
      mapping: try makeMemoryFile("counters", byteCount: 4096), byteCount: 4096, writable: true)
    let setup = DeviceSetup(
      values: values, descriptors: descriptors,
      counters: counters.window(at: 0, byteCount: 4096))
    let model = try make(setup)
    self.model = model
    model.negotiated(model.features)
    model.begin(on: host)
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
}
