import LinuxSystem
import RingDriver
import SharedMemory
import Virtio

/// One queue of a guest: a driver that gives disk requests, and waits for them.
final class GuestQueue {
  let index: Int
  let driver: SplitDriver
  let kick: EventDescriptor
  let call: EventDescriptor
  private let memory: DriverMemory
  /// Open as long as anybody uses the queue.
  private let connection: Descriptor
  private let slots: [Slot]

  /// Buffers of a request, used again and again: 4096 bytes of data.
  struct Slot {
    let header: Segment
    let source: Segment
    let target: Segment
    let status: Segment
  }

  static let dataByteCount = 4096

  init(
    _ index: Int, size: UInt16, in memory: DriverMemory, of connection: Descriptor
  ) throws {
    self.connection = connection
    guard let queueSize = QueueSize(size) else { throw Errno.invalid }
    self.index = index
    self.memory = memory
    driver = SplitDriver(queueSize, in: memory, features: .splitRing)
    kick = try EventDescriptor()
    call = try EventDescriptor()
    slots = (0..<Int(size) / 3).map { _ in
      Slot(
        header: memory.source([UInt8](repeating: 0, count: 16)),
        source: memory.source([UInt8](repeating: 0, count: Self.dataByteCount)),
        target: memory.target(Self.dataByteCount), status: memory.target(1))
    }
  }

  /// Requests that can be on their way at once.
  var depth: Int { slots.count }

  var announcement: FrontEnd.Ring {
    FrontEnd.Ring(
      index: index, size: driver.size.rawValue, descriptors: driver.addresses.descriptors,
      available: driver.addresses.available, used: driver.addresses.used,
      kick: kick.descriptor, call: call.descriptor)
  }

  /// Writes 4096 bytes at a sector; the status.
  func write(_ bytes: [UInt8], sector: UInt64, slot: Int = 0) throws -> UInt8 {
    offerWrite(bytes, sector: sector, slot: slot)
    try finish(1)
    return status(of: slot)
  }

  /// Reads 4096 bytes at a sector; the status is checked.
  func read(sector: UInt64, slot: Int = 0) throws -> [UInt8] {
    offerRead(sector: sector, slot: slot)
    try finish(1)
    guard status(of: slot) == 0 else { throw Errno.inputOutput }
    return data(of: slot)
  }

  func flush(slot: Int = 0) throws -> UInt8 {
    prepare(slot, type: 4, sector: 0)
    _ = driver.offer([slots[slot].header, slots[slot].status])
    try finish(1)
    return status(of: slot)
  }

  func offerWrite(_ bytes: [UInt8], sector: UInt64, slot: Int) {
    prepare(slot, type: 1, sector: sector)
    set(bytes, slots[slot].source)
    _ = driver.offer([slots[slot].header, slots[slot].source, slots[slot].status])
  }

  func offerRead(sector: UInt64, slot: Int) {
    prepare(slot, type: 0, sector: sector)
    _ = driver.offer([slots[slot].header, slots[slot].target, slots[slot].status])
  }

  func status(of slot: Int) -> UInt8 { memory.content(of: slots[slot].status)[0] }
  func data(of slot: Int) -> [UInt8] { memory.content(of: slots[slot].target) }

  /// Shows what was offered, and waits until `count` requests came back. `kick`: by what means.
  func finish(_ count: Int, kick ring: () throws -> Void) throws {
    if driver.publish() { try ring() }
    var left = count
    while left > 0 {
      let isThere = driver.enableInterrupts()
      guard isThere || wait(on: call.descriptor, milliseconds: 20_000) else {
        throw Errno.timedOut
      }
      call.clear()
      left -= try driver.reapAll().count
    }
  }

  func finish(_ count: Int) throws { try finish(count) { kick.ring() } }

  private func prepare(_ slot: Int, type: UInt32, sector: UInt64) {
    var wire = WireWriter()
    wire.put(type)
    wire.put(UInt32(0))
    wire.put(sector)
    set(wire.bytes, slots[slot].header)
    set([0xff], slots[slot].status)
  }

  private func set(_ bytes: [UInt8], _ segment: Segment) {
    memory.bytes.setBytes(bytes, at: memory.offset(of: segment.address))
  }
}

/// 4096 bytes that tell one sector and round from all others.
func pattern(_ sector: UInt64, _ round: UInt64) -> [UInt8] {
  var state = sector &* 0x9e37_79b9_7f4a_7c15 &+ round &+ 1
  var bytes: [UInt8] = []
  for _ in 0..<GuestQueue.dataByteCount / 8 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: state >> (8 * shift))) }
  }
  return bytes
}
