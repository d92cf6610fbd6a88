import Devices
import Engine
import LinuxSystem
import RingDriver
import SharedMemory
import Vbus

/// Both ends of one ring of a native client: the driver's, which tests turn, and the device's.
final class NativeQueue {
  let index: Int
  let size: IoqSize
  private let memory: DriverMemory
  private let guest: GuestMemory
  private let start: Int
  private let flow: Flow
  private var driver: IoqDriverRing
  private var ring: IoqRing

  init(_ index: Int, _ flow: Flow, entries: Int, _ memory: DriverMemory, _ guest: GuestMemory)
    throws
  {
    guard let size = IoqSize(entries) else { throw Errno.invalid }
    self.index = index
    self.size = size
    let byteCount = IoqLayout.byteCount(size)
    let start = memory.allocate(byteCount)
    (self.memory, self.guest, self.start, self.flow) = (memory, guest, start, flow)
    driver = try IoqDriverRing(
      formatting: memory.bytes.window(at: start, byteCount: byteCount), size: size, flow: flow)
    ring = try IoqRing(
      at: memory.guestAddress(of: start), byteCount: byteCount, flow: flow, memory: guest)
  }

  /// Begins anew with an empty ring, as after a fault.
  func reset() throws {
    let byteCount = IoqLayout.byteCount(size)
    driver = try IoqDriverRing(
      formatting: memory.bytes.window(at: start, byteCount: byteCount), size: size, flow: flow)
    ring = try IoqRing(
      at: memory.guestAddress(of: start), byteCount: byteCount, flow: flow, memory: guest)
  }

  /// Hands a buffer to the device.
  func post(_ buffer: Segment, cookie: UInt64 = 0) {
    _ = driver.post(cookie: cookie, address: buffer.address.rawValue, byteCount: buffer.count)
    _ = driver.publish()
  }

  /// One turn of the device.
  @discardableResult
  func serve(_ model: any DeviceModel, _ guest: GuestMemory, budget: Int = 64) throws -> Progress {
    defer { ring.publish() }
    return try model.serve(queue: index, &ring, guest, budget: budget)
  }

  /// What came back since.
  func reap() throws -> [IoqCompletion] {
    var all: [IoqCompletion] = []
    while let completion = try driver.reap() { all.append(completion) }
    return all
  }
}
