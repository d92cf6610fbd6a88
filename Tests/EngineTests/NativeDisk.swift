import LinuxSystem
import VbusClient
import VbusLink
import Virtio

/// A disk as a native client drives it: writes and reads of 4096 bytes, several at once.
final class NativeDisk {
  let device: VirtioDevice
  let queue: ClientQueue
  let memory: ClientMemory
  private let slots: [Slot]

  private struct Slot {
    let header: ClientBuffer
    let data: ClientBuffer
    let status: ClientBuffer
  }

  static let dataByteCount = 4096

  init(
    _ client: BusClient, _ id: UInt32, size: Int = 64, wantsOwnBells: Bool = true,
    features: FeatureBits = .splitRing
  ) throws {
    device = try VirtioDevice(client.open(id))
    let agreed = try device.negotiate(features)
    memory = try client.makeMemory(byteCount: 1 << 20)
    var shape = QueueShape.virtqueue(size, features: agreed)
    shape.wantsOwnBells = wantsOwnBells
    queue = try device.makeQueue(0, shape, in: memory)
    let memory = memory
    slots = try (0..<size / 4).map { _ in
      guard let header = memory.allocate(16), let data = memory.allocate(Self.dataByteCount),
        let status = memory.allocate(1)
      else { throw Errno.noMemory }
      return Slot(header: header, data: data, status: status)
    }
    try device.start()
  }

  var depth: Int { slots.count }

  func write(_ bytes: [UInt8], sector: UInt64, slot: Int = 0) throws -> UInt8 {
    try postWrite(bytes, sector: sector, slot: slot)
    try queue.publish()
    try finish(1)
    return status(of: slot)
  }

  func read(sector: UInt64, slot: Int = 0) throws -> [UInt8] {
    prepare(slot, type: 0, sector: sector)
    try post(slot, dataIsWritable: true)
    try queue.publish()
    try finish(1)
    guard status(of: slot) == 0 else { throw Errno.inputOutput }
    return memory.bytes(of: slots[slot].data)
  }

  func postWrite(_ bytes: [UInt8], sector: UInt64, slot: Int) throws {
    prepare(slot, type: 1, sector: sector)
    memory.set(bytes, in: slots[slot].data)
    try post(slot, dataIsWritable: false)
  }

  /// Waits until so many requests came back.
  func finish(_ count: Int) throws {
    var left = count
    while left > 0 {
      while try queue.reap() != nil { left -= 1 }
      guard left > 0 else { return }
      guard try queue.wait(milliseconds: 20_000) else { throw Errno.timedOut }
    }
  }

  func status(of slot: Int) -> UInt8 { memory.bytes(of: slots[slot].status).first ?? 0xff }

  private func prepare(_ slot: Int, type: UInt32, sector: UInt64) {
    var wire = WireWriter()
    wire.put(type)
    wire.put(UInt32(0))
    wire.put(sector)
    memory.set(wire.bytes, in: slots[slot].header)
    memory.set([0xff], in: slots[slot].status)
  }

  private func post(_ slot: Int, dataIsWritable: Bool) throws {
    let one = slots[slot]
    let chain = [
      one.header.segment(isWritable: false), one.data.segment(isWritable: dataIsWritable),
      one.status.segment(isWritable: true),
    ]
    guard try queue.post(chain, cookie: UInt64(slot)) else { throw Errno.noSpace }
  }
}
