import Engine
import EngineLink
import LinuxSystem
import RingDriver
import SharedMemory
import Virtio

/// The real engine program with one device of 64 sectors that hold nothing, and a guest for it.
final class Stand {
  let control: Channel
  let record: DeviceRecord
  let memory: DriverMemory
  let driver: SplitDriver
  let kick: EventDescriptor
  private let keeper: PlayedKeeper
  private let listener: Descriptor
  private let path: String
  private(set) var pid: Int32 = 0

  init() throws {
    path = "/tmp/vbusfs-review-\(processNumber())-\(monotonicNanoseconds())"
    listener = try listen(
      at: path, permissions: 0o600, uid: effectiveUser(), gid: effectiveGroup())
    let (near, far) = try Channel.pair()
    control = near
    keeper = try PlayedKeeper(["link": far.descriptor])
    record = try DeviceRecord.make(queueCount: 1)
    memory = try DriverMemory(byteCount: 1 << 20)
    guard let size = QueueSize(32) else { throw Errno.invalid }
    driver = SplitDriver(size, in: memory, features: .splitRing)
    kick = try EventDescriptor()
    try startEngine()
    try tellState(naming: true)
  }

  deinit {
    try? killEngine()
    try? unlink(path)
  }

  func startEngine() throws {
    let program = try programPath()
    let folder = program.prefix(upTo: program.lastIndex(of: "/") ?? program.endIndex)
    pid = try spawn(
      folder + "/vbusfs-engine", [], environment: environmentTexts(),
      descriptors: [try keeper.channel()])
  }

  func killEngine() throws {
    try send(signal: Signal.kill, to: pid)
    _ = try awaitEnd(of: pid)
  }

  /// Begins an epoch, and waits until the engine has settled in it.
  func tellState(naming isNamed: Bool) throws {
    let epoch = monotonicNanoseconds()
    try control.send(Packet(ControlMessage.hello(epoch: epoch).bytes))
    if isNamed {
      let offer = DeviceOffer(
        id: 7, className: "blk",
        values: ["backend": "null", "capacity": "32768", "block_size": "512", "num_queues": "1"],
        offered: .max)
      try control.send(Packet(ControlMessage.device(offer).bytes, [listener, record.file]))
    }
    try control.send(Packet(ControlMessage.complete(epoch: epoch).bytes))
    while try heard() != .settled(epoch: epoch) {}
  }

  private func heard() throws -> EngineMessage? {
    guard wait(on: control.descriptor, milliseconds: 10_000) else { throw Errno.timedOut }
    guard let packet = try control.receive() else { throw Errno.connectionReset }
    return EngineMessage(packet.bytes)
  }

  /// A front end whose queue runs.
  func guest(call: Descriptor? = nil) throws -> FrontEnd {
    var guest = try FrontEnd(connectingTo: path)
    try guest.negotiate()
    try guest.setMemory([table])
    try guest.start(
      FrontEnd.Ring(
        index: 0, size: 32, descriptors: driver.addresses.descriptors,
        available: driver.addresses.available, used: driver.addresses.used,
        kick: kick.descriptor, call: call))
    return guest
  }

  var table: FrontEnd.Memory {
    FrontEnd.Memory(
      guestAddress: memory.region.guestAddress, userAddress: memory.region.userAddress,
      byteCount: memory.region.byteCount, file: memory.file)
  }

  /// Lends a flush request and waits until the engine has given back `count` in all.
  func flush(awaiting count: UInt16) throws {
    let header = memory.source([4, 0, 0, 0] + [UInt8](repeating: 0, count: 12))
    _ = driver.offer([header, memory.target(1)])
    driver.publish()
    kick.ring()
    let deadline = monotonicNanoseconds() + 10_000_000_000
    while driver.used.acquire16(at: SplitLayout.index) != count {
      guard monotonicNanoseconds() < deadline else { throw Errno.timedOut }
      pause(milliseconds: 1)
    }
  }
}
