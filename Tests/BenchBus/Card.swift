internal import LinuxSystem
internal import VbusClient
internal import VbusLink
internal import Virtio

/// A card of the bus with backend `loopback`, by vbus's own interface or by virtio's: every frame
/// that is sent comes back.
final class Card {
  enum Interface: String, CaseIterable { case venet, virtio }

  private let connection: DeviceConnection
  private let receiving: ClientQueue
  private let sending: ClientQueue
  private let frame: Segment
  private let room: [Segment]
  /// Frames under way at once.
  private static let batch = 64
  private static let entries = 256

  init(_ interface: Interface, _ client: BusClient, _ id: UInt32) throws {
    connection = try client.open(id)
    let memory = try client.makeMemory(byteCount: 4 << 20)
    let lead = interface == .venet ? 0 : 12
    let bytes =
      [UInt8](repeating: 0, count: lead) + [2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 8, 0]
      + [UInt8](repeating: 7, count: 50)
    guard let source = memory.allocate(bytes.count) else { throw Misuse() }
    memory.set(bytes, in: source)
    frame = source.segment(isWritable: false)
    room = try (0..<Self.entries).map { _ in
      guard let target = memory.allocate(2048) else { throw Misuse() }
      return target.segment(isWritable: true)
    }
    switch interface {
    case .venet:
      receiving = try connection.makeQueue(0, .ioq(Self.entries, .fromDevice), in: memory)
      sending = try connection.makeQueue(1, .ioq(Self.entries, .toDevice), in: memory)
      _ = try connection.call(VenetFunction.linkUp.rawValue)
    case .virtio:
      let device = try VirtioDevice(connection)
      let features = try device.negotiate(.splitRing)
      receiving = try device.makeQueue(
        0, .virtqueue(Self.entries, features: features), in: memory)
      sending = try device.makeQueue(
        1, .virtqueue(Self.entries, features: features), in: memory)
      try device.start()
    }
    for (index, segment) in room.enumerated() {
      guard try receiving.post(segment, cookie: UInt64(index)) else { throw Misuse() }
    }
    try receiving.publish()
  }

  /// Frames per second that come back.
  func run(_ batches: Int) throws -> Double {
    let start = monotonicNanoseconds()
    for _ in 0..<batches { try exchange() }
    return Double(batches * Self.batch) * 1e9 / Double(monotonicNanoseconds() - start)
  }

  private func exchange() throws {
    for _ in 0..<Self.batch {
      while try sending.reap() != nil {}
      guard try sending.post(frame, cookie: 0) else { throw Misuse() }
    }
    try sending.publish()
    var left = Self.batch
    while left > 0 {
      while let completion = try receiving.reap() {
        left -= 1
        _ = try receiving.post(room[Int(completion.cookie)], cookie: completion.cookie)
      }
      try receiving.publish()
      guard left > 0 else { return }
      guard try receiving.wait(milliseconds: 10_000) else { throw Misuse() }
    }
  }

  func close() throws { try connection.close() }
}
