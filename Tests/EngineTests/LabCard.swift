import EngineLink
import LinuxSystem
import RingDriver
import SharedMemory
import VhostUser
import Virtio

/// A network card whose frames come back to it, as control offers it to an engine, and a guest
/// that sends and receives small frames.
final class LabCard {
  let record: DeviceRecord
  private let path: String
  private let frontEnd: FrontEnd
  private let memory: DriverMemory
  private let drivers: [SplitDriver]
  private let kicks: [EventDescriptor]
  private let source: Segment
  private let targets: [Segment]
  private static let queueSize = 256

  init(in lab: EngineLab) throws {
    let path = lab.keeper.folder + "/card"
    self.path = path
    let listener = try listen(
      at: path, permissions: 0o600, uid: effectiveUser(), gid: effectiveGroup())
    record = try DeviceRecord.make(queueCount: 4)
    let offer = DeviceOffer(
      id: 77, className: "net", values: ["mac": "02:00:00:00:00:01", "backend": "loopback"],
      offered: .max)
    guard case .started = try lab.control.serve(offer, [listener, record.file]) else {
      throw Errno.invalid
    }
    let memory = try DriverMemory(byteCount: 4 << 20)
    guard let size = QueueSize(Self.queueSize) else { throw Errno.invalid }
    self.memory = memory
    drivers = (0..<2).map { _ in SplitDriver(size, in: memory, features: .splitRing) }
    kicks = [try EventDescriptor(), try EventDescriptor()]
    let frame = [UInt8](repeating: 0, count: 12) + [2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 8, 0]
    source = memory.source(frame + [UInt8](repeating: 7, count: 46))
    targets = (0..<Self.queueSize).map { _ in memory.target(2048) }
    var frontEnd = try FrontEnd(connectingTo: path, patienceMilliseconds: 20_000)
    try frontEnd.negotiate()
    self.frontEnd = frontEnd
    try begin()
  }

  private func begin() throws {
    try frontEnd.setMemory([
      FrontEnd.Memory(
        guestAddress: memory.region.guestAddress, userAddress: memory.region.userAddress,
        byteCount: memory.region.byteCount, file: memory.file)
    ])
    for target in targets { _ = drivers[0].offer([target]) }
    drivers[0].publish()
    for (index, driver) in drivers.enumerated() {
      try frontEnd.start(
        FrontEnd.Ring(
          index: index, size: driver.size.rawValue, descriptors: driver.addresses.descriptors,
          available: driver.addresses.available, used: driver.addresses.used,
          kick: kicks[index].descriptor, call: nil))
    }
  }

  /// Sends `count` frames in one wake-up, and waits until all are back and the engine has done
  /// with them; `total` frames were sent then.
  func exchange(_ count: Int, total: Int) throws {
    for _ in 0..<count { _ = drivers[1].offer([source]) }
    if drivers[1].publish() { kicks[1].ring() }
    var left = count
    for _ in 0..<20_000 where left > 0 {
      _ = try drivers[1].reapAll()
      for _ in try drivers[0].reapAll() {
        _ = drivers[0].offer([targets[0]])
        left -= 1
      }
      pause(milliseconds: 1)
    }
    if drivers[0].publish() { kicks[0].ring() }
    guard left == 0 else { throw Errno.timedOut }
    let expected = UInt16(truncatingIfNeeded: total)
    for _ in 0..<20_000 where record.queue(0).usedIndex != expected { pause(milliseconds: 1) }
  }
}
