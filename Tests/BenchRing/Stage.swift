internal import BenchTwins
internal import LinuxSystem
internal import SharedMemory
internal import Virtio

/// The memory file in which the C driver offers batches, as a device of ours sees it.
final class Stage {
  private let file: Descriptor
  private let memory = GuestMemory()
  private let log: SharedFile

  private static let size = QueueSize(Int(stage_queue_size))
  private static let features: FeatureBits = [.version1, .eventIndex]

  init() throws {
    file = try makeMemoryFile("stage", byteCount: Int(stage_byte_count))
    for index in 0..<Int32(stage_region_count) {
      let region = MemoryRegion(
        guestAddress: stage_guest_address(index), userAddress: stage_user_address(index),
        byteCount: UInt64(stage_region_bytes),
        fileOffset: UInt64(index) * UInt64(stage_region_bytes))
      try memory.add(region, of: file)
    }
    let logged = try makeMemoryFile("log", byteCount: 8192)
    log = try SharedFile(mapping: logged, byteCount: 8192, writable: true)
    guard stage_open(file.number) == 0 else { throw Broken() }
  }

  /// Has one side serve batches; answers the nanoseconds of the processor that it
  /// took, the driver's included.
  func work(_ side: Side, batches: Int) throws -> UInt64 {
    switch side {
    case .twin, .twinLogged:
      twin_begin(side.logs ? 1 : 0)
      let start = process_nanoseconds(processNumber())
      for _ in 0..<batches {
        stage_offer()
        guard stage_is_done(twin_serve()) == 1 else { throw Broken() }
      }
      return process_nanoseconds(processNumber()) - start
    case .ours, .oursLogged:
      var device = try Device(ring(logs: side.logs), memory)
      let start = process_nanoseconds(processNumber())
      for _ in 0..<batches {
        stage_offer()
        guard try stage_is_done(device.serve()) == 1 else { throw Broken() }
      }
      return process_nanoseconds(processNumber()) - start
    }
  }

  /// A ring that goes on where the last one, of whatever side, stopped.
  private func ring(logs: Bool) throws -> SplitRing {
    guard let size = Self.size else { throw Broken() }
    let base = stage_user_address(0)
    let addresses = SplitAddresses(
      descriptors: base + UInt64(stage_descriptors),
      available: base + UInt64(stage_available),
      used: base + UInt64(stage_used))
    let used = try memory.window(
      userAddress: addresses.used, byteCount: SplitLayout(size).usedByteCount, alignment: 4)
    let log = InflightLog(log.window(at: 0, byteCount: 8192), size: size)
    log.clear()
    return try SplitRing(
      size: size, at: addresses, memory: memory, start: used.acquire16(at: SplitLayout.index),
      features: Self.features, log: logs ? log : nil)
  }
}
