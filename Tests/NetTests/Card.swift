import Devices
import Engine
import LinuxSystem
import RingDriver
import SharedMemory
import TestSupport
import Virtio

/// A network card with drivers of ours on its queues.
final class Card {
  static let mac = "02:00:00:00:00:01"

  let memory: DriverMemory
  let guest: GuestMemory
  let drivers: [SplitDriver]
  let model: NetModel
  let host: PlayedHost
  let acked: FeatureBits
  private let counterFile: SharedFile
  /// The buffers lent for frames, by head.
  private var lent: [UInt16: Segment] = [:]

  init(
    _ values: [String: String] = [:], _ descriptors: [Descriptor] = [], on host: PlayedHost? = nil,
    without masked: FeatureBits = []
  ) throws {
    self.host = try host ?? PlayedHost()
    memory = try DriverMemory(byteCount: 8 << 20)
    guard let size = QueueSize(64) else { throw Errno.invalid }
    let memory = memory
    drivers = (0..<3).map { _ in SplitDriver(size, in: memory, features: .splitRing) }
    guest = try memory.mapped()
    let words = 8 * NetCounter.allCases.count
    counterFile = try SharedFile(
      mapping: try makeMemoryFile("counters", byteCount: words), byteCount: words, writable: true)
    var all = ["mac": Self.mac, "backend": "loopback"]
    all.merge(values) { $1 }
    model = try NetModel(
      DeviceSetup(
        values: all, descriptors: descriptors,
        counters: counterFile.window(at: 0, byteCount: words)))
    acked = FeatureBits(rawValue: model.features).subtracting(masked)
    model.begin(on: self.host)
    model.negotiated(acked.rawValue)
  }

  deinit { model.end() }

  func counter(_ counter: NetCounter) -> UInt64 {
    counterFile.window(at: 8 * counter.rawValue, byteCount: 8).relaxed64(at: 0)
  }

  /// One turn of a queue.
  @discardableResult
  func serve(_ queue: Int, budget: Int = 64) throws -> Progress {
    let driver = drivers[queue]
    var ring = try SplitRing(
      size: driver.size, at: driver.addresses, memory: guest,
      start: driver.used.relaxed16(at: SplitLayout.index), features: acked)
    defer { ring.publish() }
    return try model.serve(queue: queue, &ring, guest, budget: budget)
  }

  // MARK: Transmitting

  /// Sends a frame in one buffer, header before it.
  func send(_ frame: [UInt8], _ header: NetHeader = NetHeader()) throws {
    try sendChain([memory.source(headerBytes(header) + frame)])
  }

  func sendChain(_ chain: [Segment]) throws {
    _ = drivers[1].offer(chain)
    drivers[1].publish()
    try serve(1)
    _ = try drivers[1].reap()
  }

  /// Performs a command; its answer.
  func command(_ bytes: [UInt8]) throws -> UInt8 {
    let answer = memory.target(1)
    _ = drivers[2].offer([memory.source(bytes), answer])
    drivers[2].publish()
    try serve(2)
    _ = try drivers[2].reap()
    return memory.content(of: answer)[0]
  }

  // MARK: Receiving

  /// A frame as the guest got it.
  struct Received: Equatable {
    var header: NetHeader
    var frame: [UInt8]
  }

  /// Lends buffers of these sizes.
  func lend(_ sizes: [Int]) {
    for size in sizes {
      let buffer = memory.target(size)
      if let head = drivers[0].offer([buffer]) { lent[head] = buffer }
    }
    drivers[0].publish()
  }

  /// Lends buffers enough, serves the queue, and takes the frames that came.
  func receive(_ sizes: [Int] = [2048, 2048, 2048, 2048]) throws -> [Received] {
    lend(sizes)
    try serve(0)
    return try taken()
  }

  /// The frames that came, each out of as many buffers as its header says.
  func taken() throws -> [Received] {
    var frames: [Received] = []
    var left = 0
    for completion in try drivers[0].reapAll() {
      guard let buffer = lent.removeValue(forKey: completion.head) else { throw Errno.invalid }
      let bytes = Array(memory.content(of: buffer).prefix(Int(completion.written)))
      if left > 0 {
        frames[frames.count - 1].frame += bytes
      } else {
        let header = NetHeader(bytes.span.extracting(0..<12))
        frames.append(Received(header: header, frame: Array(bytes.dropFirst(12))))
        left = Int(header.bufferCount)
      }
      left -= 1
    }
    return frames
  }
}

func headerBytes(_ header: NetHeader) -> [UInt8] {
  let bytes = header.bytes
  return (0..<12).map { bytes[$0] }
}
