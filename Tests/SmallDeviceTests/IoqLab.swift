import Engine
import LinuxSystem
import RingDriver
import SharedMemory
import TestSupport
import Vbus

/// A device of any class with one of its queues on an ioq, as a native client may have it.
final class IoqLab {
  let memory: DriverMemory
  let guest: GuestMemory
  let host: PlayedHost
  let model: any DeviceModel
  private let counters: SharedFile
  private let index: Int
  private var driver: IoqDriverRing
  private var ring: IoqRing
  /// How the newest turn of the queue ended.
  private(set) var progress: Progress?

  init(
    queue index: Int, values: [String: String], descriptors: [Descriptor] = [],
    make: (DeviceSetup) throws -> any DeviceModel
  ) throws {
    ignoreLostReaders()
    let memory = try DriverMemory(byteCount: 1 << 20)
    let guest = try memory.mapped()
    (self.memory, self.guest, self.index) = (memory, guest, index)
    host = try PlayedHost()
    counters = try SharedFile(
      mapping: try makeMemoryFile("counters", byteCount: 4096), byteCount: 4096, writable: true)
    let setup = DeviceSetup(
      values: values, descriptors: descriptors,
      counters: counters.window(at: 0, byteCount: 4096))
    let model = try make(setup)
    guard let size = IoqSize(16), let flow = model.flow(ofQueue: index) else {
      throw Errno.invalid
    }
    self.model = model
    let byteCount = IoqLayout.byteCount(size)
    let start = memory.allocate(byteCount)
    driver = try IoqDriverRing(
      formatting: memory.bytes.window(at: start, byteCount: byteCount), size: size, flow: flow)
    ring = try IoqRing(
      at: memory.guestAddress(of: start), byteCount: byteCount, flow: flow, memory: guest)
    model.negotiated(model.features)
    model.begin(on: host)
  }

  deinit { model.end() }

  func counter(_ index: Int) -> UInt64 {
    counters.window(at: 8 * index, byteCount: 8).relaxed64(at: 0)
  }

  /// Posts buffers and serves the queue once; how much was written to each that came back.
  @discardableResult
  func offer(_ buffers: [Segment]) throws -> [UInt32] {
    for buffer in buffers {
      _ = driver.post(cookie: 0, address: buffer.address.rawValue, byteCount: buffer.count)
    }
    _ = driver.publish()
    return try serve()
  }

  @discardableResult
  func serve() throws -> [UInt32] {
    do {
      defer { ring.publish() }
      progress = try model.serve(queue: index, &ring, guest, budget: 32)
    }
    var written: [UInt32] = []
    while let completion = try driver.reap() { written.append(completion.written) }
    return written
  }
}
