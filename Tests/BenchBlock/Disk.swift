internal import LinuxSystem
internal import RingDriver
internal import SharedMemory
internal import Virtio

/// A disk behind a vhost-user socket, and a driver with one chain of three for each request that
/// may be under way: nothing is allocated or written anew but the sector.
final class Disk {
  let name: String
  let pid: Int32
  private let frontEnd: FrontEnd
  private let memory: DriverMemory
  private let bytes: SharedWindow
  private let driver: SplitDriver
  private let kick: EventDescriptor
  private let call: EventDescriptor
  private let slots: [Slot]
  private let sectorCount: UInt64
  private var offered: UInt16 = 0
  private var reaped: UInt16 = 0
  private var dice: UInt64 = 0x9e37_79b9_7f4a_7c15
  private var position: UInt64 = 0

  /// Offsets of a request's three buffers.
  private struct Slot {
    let header: Int
    let data: Int
    let status: Int
  }

  private static let memoryByteCount = 16 << 20
  private static let depthMax = 32
  private static let dataByteCountMax = 131_072

  init(_ name: String, at socket: String, of pid: Int32) throws {
    self.name = name
    self.pid = pid
    var frontEnd = try FrontEnd(connectingTo: socket)
    let memory = try DriverMemory(byteCount: Self.memoryByteCount)
    guard let size = QueueSize(128) else { throw Misuse() }
    let driver = SplitDriver(size, in: memory, features: [.version1, .eventIndex])
    kick = try EventDescriptor()
    call = try EventDescriptor()
    slots = (0..<Self.depthMax).map { _ in
      Slot(
        header: memory.allocate(16), data: memory.allocate(Self.dataByteCountMax, alignment: 4096),
        status: memory.allocate(1))
    }
    // VIRTIO_BLK_F_FLUSH, so that a write may stay in the host's page cache (VIRTIO 1.2 5.2.6.2).
    let wanted: UInt64 =
      FeatureBits([.version1, .eventIndex]).rawValue | 1 << 9 | Self.protocolFeatures
    try frontEnd.negotiate(features: wanted)
    try frontEnd.setMemory([
      FrontEnd.Memory(
        guestAddress: memory.region.guestAddress, userAddress: memory.region.userAddress,
        byteCount: memory.region.byteCount, file: memory.file)
    ])
    try frontEnd.start(
      FrontEnd.Ring(
        index: 0, size: size.rawValue, descriptors: driver.addresses.descriptors,
        available: driver.addresses.available, used: driver.addresses.used,
        kick: kick.descriptor, call: call.descriptor))
    let configuration = try frontEnd.configuration(offset: 0, count: 8)
    sectorCount = configuration.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    bytes = memory.bytes.window(at: 0, byteCount: Self.memoryByteCount)
    self.frontEnd = frontEnd
    self.memory = memory
    self.driver = driver
  }

  /// VHOST_USER_F_PROTOCOL_FEATURES.
  private static let protocolFeatures: UInt64 = 1 << 30

  /// Keeps `depth` requests under way for a while; answers how many were completed.
  func run(_ workload: Workload, milliseconds: UInt64) throws -> Int {
    for slot in 0..<workload.depth { prepare(slot, workload) }
    for slot in 0..<workload.depth { offer(slot, workload) }
    publish()
    let end = monotonicNanoseconds() + milliseconds * 1_000_000
    var (completed, underWay, isOver) = (0, workload.depth, false)
    while underWay > 0 {
      if !workload.polls { sleepUntilUsed() }
      isOver = isOver || monotonicNanoseconds() >= end
      let before = completed
      while let slot = try reap() {
        completed += 1
        if isOver { underWay -= 1 } else { offer(slot, workload) }
      }
      if completed != before, !isOver { publish() }
    }
    return completed
  }

  /// Writes a request's descriptors (VIRTIO 1.2 section 5.2.6), which stay as they are.
  private func prepare(_ slot: Int, _ workload: Workload) {
    let place = slots[slot]
    let head = UInt16(3 * slot)
    func segment(_ offset: Int, _ count: Int, _ isWritable: Bool) -> Segment {
      Segment(
        address: memory.guestAddress(of: offset), count: UInt32(count), isWritable: isWritable)
    }
    driver.setDescriptor(head, to: segment(place.header, 16, false), next: head + 1)
    driver.setDescriptor(
      head + 1, to: segment(place.data, workload.byteCount, !workload.isWrite), next: head + 2)
    driver.setDescriptor(head + 2, to: segment(place.status, 1, true))
    bytes.storeRelaxed(UInt64(workload.isWrite ? 1 : 0), at: place.header)
  }

  private func offer(_ slot: Int, _ workload: Workload) {
    bytes.storeRelaxed(nextSector(workload), at: slots[slot].header + 8)
    bytes.storeRelease(UInt8(0xff), at: slots[slot].status)
    driver.available.storeRelaxed(UInt16(3 * slot), at: driver.layout.availableSlot(offered))
    offered &+= 1
  }

  private func nextSector(_ workload: Workload) -> UInt64 {
    let sectors = UInt64(workload.byteCount / 512)
    let blocks = sectorCount / sectors
    guard workload.isRandom else {
      position &+= 1
      return position % blocks * sectors
    }
    dice ^= dice << 13
    dice ^= dice >> 7
    dice ^= dice << 17
    return dice % blocks * sectors
  }

  private var shown: UInt16 = 0

  private func publish() {
    driver.available.storeRelease(offered, at: SplitLayout.index)
    fullFence()
    let event = driver.used.relaxed16(at: driver.layout.availableEvent)
    if SplitRing.passes(event, from: shown, to: offered) { kick.ring() }
    shown = offered
  }

  /// Sleeps until something was used.
  private func sleepUntilUsed() {
    driver.available.storeRelaxed(reaped, at: driver.layout.usedEvent)
    fullFence()
    while driver.used.relaxed16(at: SplitLayout.index) == reaped {
      _ = wait(on: call.descriptor, milliseconds: 1000)
      call.clear()
    }
  }

  /// The oldest request that the device gave back.
  private func reap() throws -> Int? {
    guard driver.used.acquire16(at: SplitLayout.index) != reaped else { return nil }
    let head = driver.used.relaxed32(at: driver.layout.usedSlot(reaped))
    reaped &+= 1
    guard head % 3 == 0, head / 3 < slots.count else { throw Failed() }
    let slot = Int(head / 3)
    guard bytes.relaxed8(at: slots[slot].status) == 0 else { throw Failed() }
    return slot
  }
}
