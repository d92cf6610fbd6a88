import LinuxSystem
import VbusClient
import Virtio

/// A queue with buffers, as tests use it.
final class Ring {
  let queue: ClientQueue
  let memory: ClientMemory
  let connection: DeviceConnection

  init(
    _ id: UInt32, _ shape: QueueShape, of connection: DeviceConnection, byteCount: Int = 1 << 20
  ) throws {
    self.connection = connection
    memory = try connection.client.makeMemory(byteCount: byteCount)
    queue = try connection.makeQueue(id, shape, in: memory)
  }

  /// A queue with the features that the device's driver has negotiated.
  convenience init(
    _ id: UInt32, _ format: RingFormat, _ size: Int, _ flow: Flow, of device: VirtioDevice
  ) throws {
    try self.init(
      id, QueueShape(format, size, flow: flow, features: device.features), of: device.connection)
  }

  func buffer(_ byteCount: Int) throws -> ClientBuffer {
    guard let buffer = memory.allocate(byteCount) else { throw Errno.noMemory }
    return buffer
  }

  func buffer(_ bytes: [UInt8]) throws -> ClientBuffer {
    let buffer = try buffer(bytes.count)
    memory.set(bytes, in: buffer)
    return buffer
  }

  /// Posts one buffer and shows it.
  func post(_ buffer: ClientBuffer, isWritable: Bool, cookie: UInt64 = 0) throws {
    guard try queue.post(buffer.segment(isWritable: isWritable), cookie: cookie) else {
      throw Errno.noSpace
    }
    try queue.publish()
  }

  /// Waits for so many buffers.
  func finish(_ count: Int = 1) throws -> [QueueCompletion] {
    var completions: [QueueCompletion] = []
    while completions.count < count {
      while let completion = try queue.reap() { completions.append(completion) }
      guard completions.count < count else { break }
      guard try queue.wait(milliseconds: 20_000) else { throw Errno.timedOut }
    }
    return completions
  }

  /// What the bus says in the next milliseconds, while notifications are not asked for.
  func events(milliseconds: UInt32) throws -> [Int] {
    var signals: [Int] = []
    let deadline = Deadline(milliseconds: milliseconds)
    while !deadline.hasPassed {
      if queue.share.clear() { signals.append(1) }
      _ = try connection.client.connector.nextEvent(milliseconds: 1).map { _ in signals.append(2) }
    }
    return signals
  }
}

/// A disk with requests of any size on one of its queues.
final class Disk {
  let device: VirtioDevice
  var rings: [Ring] = []

  init(
    _ connection: DeviceConnection, features: FeatureBits = .splitRing, size: Int = 64,
    queueCount: Int = 1, byteCount: Int = 8 << 20
  ) throws {
    device = try VirtioDevice(connection)
    let agreed = try device.negotiate(features)
    for index in 0..<queueCount {
      rings.append(
        try Ring(
          UInt32(index), .virtqueue(size, features: agreed), of: connection,
          byteCount: byteCount))
    }
    try device.start()
  }

  struct Request {
    let header: ClientBuffer
    let data: ClientBuffer
    let status: ClientBuffer
  }

  private func request(
    _ type: UInt32, _ sector: UInt64, _ byteCount: Int, _ ring: Ring
  ) throws -> Request {
    var writer = WireWriter()
    writer.put(type)
    writer.put(UInt32(0))
    writer.put(sector)
    return Request(
      header: try ring.buffer(writer.bytes), data: try ring.buffer(byteCount),
      status: try ring.buffer([0xff]))
  }

  private func post(_ request: Request, isRead: Bool, _ ring: Ring, cookie: UInt64) throws {
    let chain = [
      request.header.segment(isWritable: false), request.data.segment(isWritable: isRead),
      request.status.segment(isWritable: true),
    ]
    guard try ring.queue.post(chain, cookie: cookie) else { throw Errno.noSpace }
  }

  func postWrite(
    _ bytes: [UInt8], sector: UInt64, on index: Int = 0, cookie: UInt64 = 0
  ) throws -> Request {
    let request = try request(1, sector, bytes.count, rings[index])
    rings[index].memory.set(bytes, in: request.data)
    try post(request, isRead: false, rings[index], cookie: cookie)
    return request
  }

  func postRead(
    _ byteCount: Int, sector: UInt64, on index: Int = 0, cookie: UInt64 = 0
  ) throws -> Request {
    let request = try request(0, sector, byteCount, rings[index])
    try post(request, isRead: true, rings[index], cookie: cookie)
    return request
  }

  func status(_ request: Request, on index: Int = 0) -> UInt8 {
    rings[index].memory.bytes(of: request.status).first ?? 0xff
  }

  func free(_ request: Request, on index: Int = 0) {
    for buffer in [request.header, request.data, request.status] {
      rings[index].memory.deallocate(buffer)
    }
  }

  /// Writes, and answers the status.
  func write(_ bytes: [UInt8], sector: UInt64, on index: Int = 0) throws -> UInt8 {
    let request = try postWrite(bytes, sector: sector, on: index)
    try rings[index].queue.publish()
    _ = try rings[index].finish()
    defer { free(request, on: index) }
    return status(request, on: index)
  }

  /// Reads, and answers status and data.
  func read(
    _ byteCount: Int, sector: UInt64, on index: Int = 0
  ) throws -> (status: UInt8, data: [UInt8]) {
    let request = try postRead(byteCount, sector: sector, on: index)
    try rings[index].queue.publish()
    _ = try rings[index].finish()
    defer { free(request, on: index) }
    return (status(request, on: index), rings[index].memory.bytes(of: request.data))
  }
}
