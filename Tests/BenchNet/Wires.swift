internal import Devices
internal import Engine
internal import LinuxSystem
internal import RingDriver
internal import SharedMemory
internal import Virtio

/// One card that gets back what it sends, or two that send to each other.
final class Wires {
  static let batch = 32

  let cards: [Card]
  /// Outlives the cards' models.
  private let host: Host

  init(_ backend: String) throws {
    let count = backend == "switch" ? 2 : 1
    host = try Host()
    let host = host
    cards = try (0..<count).map { number in
      try Card(backend, number: number, peer: count - 1 - number, on: host)
    }
  }

  /// Each card sends a batch, then each gets one.
  func turn() throws {
    for card in cards { try card.serve(card.transmit) }
    for card in cards { try card.serve(card.receive) }
  }
}

/// A card and the driver of its two queues, in which every buffer is offered again as soon as it is
/// back: an offer is one store.
final class Card {
  let model: NetModel
  let transmit: Queue
  let receive: Queue
  private let guest: GuestMemory
  private let counters: SharedFile

  init(_ backend: String, number: Int, peer: Int, on host: Host) throws {
    let memory = try DriverMemory(byteCount: 4 << 20)
    guest = try memory.mapped()
    let words = 8 * NetCounter.allCases.count
    counters = try SharedFile(
      mapping: try makeMemoryFile("counters", byteCount: words), byteCount: words, writable: true)
    model = try NetModel(
      DeviceSetup(
        values: ["mac": "02:00:00:00:00:0\(number)", "backend": backend], descriptors: [],
        counters: counters.window(at: 0, byteCount: words)))
    let features = FeatureBits(rawValue: model.features)
    let header = [UInt8](repeating: 0, count: NetHeader.byteCount)
    let ends = [UInt8]([2, 0, 0, 0, 0, UInt8(peer), 2, 0, 0, 0, 0, UInt8(number), 8, 0])
    let frame = header + ends + [UInt8](repeating: 0x55, count: 50)
    transmit = try Queue(1, memory, guest, features) { memory.source(frame) }
    receive = try Queue(0, memory, guest, features) { memory.target(2048) }
    model.begin(on: host)
    model.negotiated(features.rawValue)
  }

  deinit { model.end() }

  func serve(_ queue: Queue) throws {
    guard var ring = queue.ring.take() else { throw Lost() }
    queue.offer(Wires.batch)
    _ = try model.serve(queue: queue.index, &ring, guest, budget: Wires.batch)
    ring.publish()
    queue.ring = consume ring
    guard queue.isDone else { throw Lost() }
  }
}

final class Queue {
  let index: Int
  var ring: SplitRing?
  private let driver: SplitDriver
  private let log: SharedFile
  private var offered: UInt16 = 0

  init(
    _ index: Int, _ memory: DriverMemory, _ guest: GuestMemory, _ features: FeatureBits,
    _ buffer: () -> Segment
  ) throws {
    guard let size = QueueSize(256) else { throw Misuse() }
    self.index = index
    driver = SplitDriver(size, in: memory, features: features)
    for _ in 0..<size.count { _ = driver.offer([buffer()]) }
    let byteCount = InflightLog.byteCount(size)
    log = try SharedFile(
      mapping: try makeMemoryFile("log", byteCount: byteCount), byteCount: byteCount,
      writable: true)
    ring = try SplitRing(
      size: size, at: driver.addresses, memory: guest, start: 0, features: features,
      log: InflightLog(log.window(at: 0, byteCount: byteCount), size: size))
  }

  func offer(_ count: Int) {
    offered &+= UInt16(count)
    driver.available.storeRelease(offered, at: SplitLayout.index)
  }

  var isDone: Bool { driver.used.acquire16(at: SplitLayout.index) == offered }
}
