import EngineLink
import LinuxSystem
import SharedMemory
import Synchronization
import Testing
import VbusClient
import VbusLink
import Virtio

@Suite("What native clients of the shipped engine are refused", .serialized)
struct BusRefusalTests {
  @Test("A device that is not there is ENOENT, one of another version EINVAL")
  func open() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let client = try lab.client()
    let id = try lab.rng()
    #expect(throws: BusError.refused(.noEntry)) { try client.open(id + 1) }
    #expect(throws: BusError.refused(.invalid)) { try client.open(id, version: 2) }
  }

  @Test("A device that a client has is EBUSY for another client")
  func busy() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let first = try lab.client()
    let id = try lab.rng()
    _ = try first.open(id)
    #expect(throws: BusError.refused(.busy)) { try lab.client().open(id) }
  }

  @Test("A device that a front end has is EBUSY for a client")
  func busyByFrontEnd() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let disk = try lab.disk()
    let guest = try Guest.running(disk)
    let client = try lab.client()
    #expect(throws: BusError.refused(.busy)) { try client.open(disk.offer.devID) }
    guest.leave()
  }

  @Test("A front end is turned away while a client has the device")
  func frontEndTurnedAway() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let disk = try lab.disk()
    let client = try lab.client()
    let device = try client.open(disk.offer.devID)
    #expect(throws: (any Error).self) { try Guest.running(disk) }
    try device.close()
    #expect(try Guest.running(disk).queues[0].flush() == 0)
  }

  @Test("Functions that a device has not are ENOTTY")
  func unknownFunction() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let device = try lab.client().open(lab.rng())
    #expect(throws: BusError.refused(.notTerminal)) { try device.call(0) }
    #expect(throws: BusError.refused(.notTerminal)) { try device.call(0x1ff) }
  }

  @Test("Data of another length than the function's is EINVAL")
  func length() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let device = try lab.client().open(lab.rng())
    for count in [0, 15, 17] {
      #expect(throws: BusError.refused(.invalid)) {
        try device.call(
          VirtioFunction.identify.rawValue, [UInt8](repeating: 0, count: count))
      }
    }
  }

  @Test("Features that were not offered are EINVAL, and change nothing")
  func features() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let device = try lab.client().open(lab.rng())
    #expect(throws: BusError.refused(.invalid)) {
      try device.call(
        VirtioFunction.setFeatures.rawValue, [0xff, 0, 0, 0, 0, 0, 0, 0])
    }
  }

  @Test("A driver that took no features cannot start the device")
  func start() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let device = try VirtioDevice(lab.client().open(lab.rng()))
    #expect(throws: BusError.refused(.invalid)) { try device.setStatus([.driverOK]) }
    #expect(try device.status() == [])
  }

  @Test("Status bits cannot be taken back but by a reset")
  func statusBits() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let device = try VirtioDevice(lab.client().open(lab.rng()))
    try device.setStatus([.acknowledge, .driver])
    #expect(throws: BusError.refused(.invalid)) { try device.setStatus([.acknowledge]) }
    try device.setStatus([])
    #expect(try device.status() == [])
  }

  @Test("An ioq is EOPNOTSUPP where data goes both ways")
  func ioqOfDisk() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let client = try lab.client()
    let device = try VirtioDevice(client.open(lab.disk().offer.devID))
    let memory = try client.makeMemory(byteCount: 1 << 16)
    #expect(throws: BusError.refused(.notSupported)) {
      try device.makeQueue(0, .ioq(8, .toDevice), in: memory)
    }
  }

  @Test("A queue that the device has not is EINVAL, one that is shared EEXIST")
  func share() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let client = try lab.client()
    let device = try VirtioDevice(client.open(lab.rng()))
    let memory = try client.makeMemory(byteCount: 1 << 16)
    #expect(throws: BusError.refused(.invalid)) {
      try device.makeQueue(1, .virtqueue(8), in: memory)
    }
    _ = try device.makeQueue(0, .virtqueue(8), in: memory)
    #expect(throws: BusError.refused(.exists)) {
      try device.makeQueue(0, .virtqueue(8), in: memory)
    }
  }

  @Test("Memory that is no ring is EINVAL")
  func noRing() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let client = try lab.client()
    let device = try client.open(lab.rng())
    let memory = try client.makeMemory(byteCount: 1 << 16)
    let wish = ShareWish(
      id: 0, memory: memory.memory, offset: 0, byteCount: 4096, signalOffset: 8)
    #expect(throws: BusError.refused(.invalid)) { try device.share(wish) }
  }

  @Test("A broken ring stops its queue, and a reset mends it")
  func brokenRing() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let disk = try lab.disk()
    let native = try NativeDisk(lab.client(), disk.offer.devID)
    // A chain outside of the client's memory.
    let segment = Segment(address: GuestAddress(1 << 50), count: 16, isWritable: false)
    #expect(try native.queue.post(segment, cookie: 0))
    try native.queue.publish()
    try disk.waitUntil { $0.fault != nil }
    #expect(try native.device.status().contains(.needsReset))
    try native.device.reset()
    try native.queue.restart()
    try native.device.negotiate(.splitRing)
    try native.device.start()
    #expect(try native.write(pattern(0, 1), sector: 0) == 0)
    #expect(disk.record.fault == nil)
  }

  @Test("A stranger is EACCES, unless he is allowed")
  func stranger() throws {
    let lab = try EngineLab()
    let path = try lab.openBus(
      ContainerOffer(uid: 12345, gid: 12345, permissions: 0o700))
    try setPermissions(lab.keeper.folder, 0o755)
    try #require(effectiveUser() == 0)
    #expect(try attach(as: 4321, to: path) == .refused(.accessDenied))
    #expect(try attach(as: 12345, to: path) == nil)
  }

  @Test("Who is allowed by name attaches to what is another's")
  func allowed() throws {
    let lab = try EngineLab()
    let path = try lab.openBus(
      ContainerOffer(uid: 12345, gid: 12345, permissions: 0o700, allowedUsers: [4321]))
    try setPermissions(lab.keeper.folder, 0o755)
    try #require(effectiveUser() == 0)
    #expect(try attach(as: 4321, to: path) == nil)
    #expect(try attach(as: 4322, to: path) == .refused(.accessDenied))
  }

  /// Attaches with another user's rights; answers what keeps him from it.
  private func attach(as uid: UInt32, to path: String) throws -> BusError? {
    let box = Box()
    _ = try Thread {
      var refusal: BusError?
      do throws(Errno) { try assumeRights(uid: uid, gid: uid, groups: []) } catch {
        refusal = .unreachable(error)
      }
      if refusal == nil {
        do throws(BusError) { try BusClient(connectingTo: path).disconnect() } catch {
          refusal = error
        }
      }
      box.set(refusal)
    }
    for _ in 0..<10_000 {
      if let outcome = box.value { return outcome }
      pause(milliseconds: 1)
    }
    throw Errno.timedOut
  }

  private final class Box: Sendable {
    private let outcome = Mutex<BusError??>(nil)
    var value: BusError?? { outcome.withLock { $0 } }
    func set(_ error: BusError?) { outcome.withLock { $0 = .some(error) } }
  }

  @Test("An engine with nothing to do retires, one with a client does not")
  func retire() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let client = try lab.client()
    lab.control.retire()
    #expect(throws: (any Error).self) {
      _ = try lab.control.hear(milliseconds: 200) {
        if case .retired = $0 { true } else { false }
      }
    }
    client.disconnect()
    _ = try lab.control.hear { if case .members([]) = $0 { true } else { false } }
    lab.control.retire()
    _ = try lab.control.hear { if case .retired = $0 { true } else { false } }
  }
}
