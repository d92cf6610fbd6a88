import EngineLink
import LinuxSystem
import RingDriver
import SharedMemory
import Testing
import VhostUser
import Virtio

@Suite("What a hostile guest or front end can do to its own device only")
struct HostileTests {
  let lab: EngineLab
  let disk: LabDisk
  let other: LabDisk

  init() throws {
    lab = try EngineLab()
    disk = try lab.disk()
    other = try lab.disk()
  }

  /// Messages after which nothing more can be understood, or that nobody could be told of.
  static let fatal: [[UInt8]] = [
    // A reply to nothing; versions 0, 2 and 3; a payload over the limit.
    Message(code: 1, flags: [.version1, .reply]).bytes,
    Message(code: 1, flags: []).bytes,
    Message(code: 1, flags: Message.Flags(rawValue: 2)).bytes,
    Message(code: 1, flags: Message.Flags(rawValue: 3)).bytes,
    payloadBytes {
      $0.put(UInt32(1))
      $0.put(UInt32(1))
      $0.put(UInt32(5000))
    },
    // Protocol features with in-band notifications alone.
    Message(.setProtocolFeatures, payload: payloadBytes { $0.put(UInt64(1 << 14)) }).bytes,
  ]

  /// Messages that are wrong, and that ask for no reply.
  static let wrong: [[UInt8]] = [
    Message(code: 0).bytes,
    Message(code: 99).bytes,
    Message(.setLogBase).bytes,
    Message(.setFeatures).bytes,
    Message(.setFeatures, payload: payloadBytes { $0.put(UInt64.max) }).bytes,
    Message(.setProtocolFeatures, payload: payloadBytes { $0.put(UInt64.max) }).bytes,
    Message(.setMemoryTable, payload: payloadBytes { $0.put(UInt64(1)) }).bytes,
    Message(.setMemoryTable, payload: payloadBytes { $0.put(UInt64(0xffff_ffff)) }).bytes,
    Message(.setVringSize, payload: payloadBytes { $0.put(UInt64(0x40_0000_0009)) }).bytes,
    Message(.setVringSize, payload: payloadBytes { $0.put(UInt64(0x3_0000_0000)) }).bytes,
    Message(.setVringBase, payload: payloadBytes { $0.put(UInt64(0x1_0000_0000_0000)) }).bytes,
    Message(.setVringKick, payload: payloadBytes { $0.put(UInt64(0)) }).bytes,
    Message(.setVringCall, payload: payloadBytes { $0.put(UInt64(0x200)) }).bytes,
    Message(.getConfiguration, payload: [1, 2, 3]).bytes,
    Message(.setStatus, payload: payloadBytes { $0.put(UInt64(256)) }).bytes,
  ]

  @Test("A message that breaks the protocol closes that connection only", arguments: fatal)
  func closes(_ bytes: [UInt8]) throws {
    let neighbour = try Guest.running(other)
    let frontEnd = try FrontEnd(connectingTo: disk.path)
    try frontEnd.send(bytes)
    #expect(wait(on: frontEnd.socket, milliseconds: 10_000))
    #expect(hasEnded(frontEnd.socket))
    #expect(disk.record.fault?.hasPrefix("vhost-user: ") == true)
    #expect(try neighbour.queues[0].flush() == 0)
  }

  @Test("A wrong message that nobody waits for closes that connection only", arguments: wrong)
  func closesUnasked(_ bytes: [UInt8]) throws {
    let neighbour = try Guest.running(other)
    let frontEnd = try FrontEnd(connectingTo: disk.path)
    try frontEnd.send(bytes)
    #expect(wait(on: frontEnd.socket, milliseconds: 10_000))
    _ = try? frontEnd.receive()
    _ = try? frontEnd.ask(Message(.getFeatures))
    #expect(try neighbour.queues[0].flush() == 0)
  }

  @Test("The next front end finds a device as new after one that broke the protocol")
  func nextAfterFault() throws {
    let frontEnd = try FrontEnd(connectingTo: disk.path)
    try frontEnd.send(Self.fatal[0])
    try disk.waitUntil { $0.fault != nil }
    let guest = try Guest.running(disk)
    #expect(try guest.queues[0].flush() == 0)
    #expect(disk.record.fault == nil)
  }

  @Test("Too many descriptors with a message close that connection only")
  func manyDescriptors() throws {
    let frontEnd = try FrontEnd(connectingTo: disk.path)
    let files = [Descriptor](repeating: disk.image, count: 60)
    try frontEnd.send(Message(.getFeatures), files)
    _ = try? frontEnd.receive()
    let neighbour = try Guest.running(other)
    #expect(try neighbour.queues[0].flush() == 0)
  }

  @Test("A broken ring stops that queue only, and shows")
  func brokenRing() throws {
    let guest = try Guest.running(disk, queueCount: 2)
    guest.queues[0].driver.offerRaw(head: 999)
    guest.queues[0].kick.ring()
    try disk.waitUntil { $0.queue(0).state == .faulted }
    #expect(disk.record.fault?.hasPrefix("queue 0: ") == true)
    #expect(try guest.queues[1].flush() == 0)
    #expect(disk.record.queue(1).state == .running)
  }

  @Test("A broken ring rings the error doorbell")
  func errorDoorbell() throws {
    let guest = try Guest.running(disk)
    let bell = try EventDescriptor()
    try guest.frontEnd.tellDoorbell(.setVringError, 0, bell.descriptor)
    guest.queues[0].driver.offerRaw(head: 999)
    guest.queues[0].kick.ring()
    #expect(wait(on: bell.descriptor, milliseconds: 10_000))
  }

  @Test("A broken queue stays broken for a new engine")
  func brokenAfterDeath() throws {
    let guest = try Guest.running(disk)
    guest.queues[0].driver.offerRaw(head: 999)
    guest.queues[0].kick.ring()
    try disk.waitUntil { $0.queue(0).state == .faulted }
    try lab.killEngine()
    _ = try guest.frontEnd.queueCount()
    #expect(disk.record.queue(0).state == .faulted)
    #expect(disk.record.fault != nil)
  }

  @Test("A fault is forgotten when its queue was stopped")
  func stopped() throws {
    let guest = try Guest.running(disk)
    guest.queues[0].driver.available.storeRelease(UInt16(500), at: SplitLayout.index)
    guest.queues[0].kick.ring()
    try disk.waitUntil { $0.fault != nil }
    #expect(try guest.frontEnd.stop(0) == 0)
    #expect(disk.record.fault == nil)
  }

  @Test("A reset of the device clears the fault, and the queue serves again")
  func reset() throws {
    let guest = try Guest.running(disk)
    guest.queues[0].driver.offerRaw(head: 999)
    guest.queues[0].kick.ring()
    try disk.waitUntil { $0.queue(0).state == .faulted }
    try guest.frontEnd.resetDevice()
    #expect(disk.record.fault == nil)
    let queue = try GuestQueue(0, size: 64, in: guest.memory, of: guest.frontEnd.socket)
    try guest.start(queue)
    #expect(try queue.flush() == 0)
  }

  @Test("Memory that shrinks behind a ring is that device's fault only")
  func shrunk() throws {
    let memory = try DriverMemory(byteCount: 4 << 20)
    let guest = try Guest(connectingTo: disk.path, memory: memory)
    let file = try Self.copy(of: memory, in: lab.keeper.folder)
    var table = guest.table
    table.file = file
    try guest.frontEnd.negotiate()
    try guest.frontEnd.setMemory([table])
    try guest.start(guest.queues[0])
    try resize(file, to: 0)
    guest.queues[0].kick.ring()
    try disk.waitUntil { $0.queue(0).state == .faulted }
    let neighbour = try Guest.running(other)
    #expect(try neighbour.queues[0].flush() == 0)
  }

  @Test("After memory that shrank, the next front end is served by the same engine")
  func shrunkThenNext() throws {
    let engine = try lab.engine()
    try shrunk()
    let guest = try Guest.running(disk)
    #expect(try guest.queues[0].flush() == 0)
    #expect(try lab.engine() == engine)
  }

  /// A file like a guest's memory that can be cut, as guests' files can.
  private static func copy(of memory: DriverMemory, in folder: String) throws -> Descriptor {
    let path = folder + "/memory"
    let file = try open(path, [.readWrite, .create, .exclusive])
    try unlink(path)
    try write(memory.bytes.bytes(at: 0, byteCount: memory.bytes.byteCount), to: file)
    return file
  }

  @Test("A call doorbell that is a pipe without a reader does the engine no harm")
  func brokenPipe() throws {
    let engine = try lab.engine()
    let guest = try Guest.running(disk)
    let pipe = try makePipe().writing
    try guest.frontEnd.tellDoorbell(.setVringCall, 0, pipe)
    guest.queues[0].offerRead(sector: 0, slot: 0)
    guest.queues[0].driver.publish()
    guest.queues[0].kick.ring()
    try disk.waitUntil { $0.queue(0).usedIndex == 1 }
    _ = try guest.frontEnd.queueCount()
    #expect(try lab.engine() == engine)
  }

  @Test("A call doorbell that is full and blocks does not stop the engine")
  func fullDoorbell() throws {
    let guest = try Guest.running(disk)
    let bell = guest.queues[0].call.descriptor
    var full: [UInt8] = [UInt8](repeating: 0xff, count: 8)
    full[0] = 0xfe
    try bell.setNonblocking(false)
    try guest.frontEnd.tellDoorbell(.setVringCall, 0, bell)
    try write(full, to: bell)
    guest.queues[0].offerRead(sector: 0, slot: 0)
    guest.queues[0].driver.publish()
    guest.queues[0].kick.ring()
    let neighbour = try Guest.running(other)
    #expect(try neighbour.queues[0].flush() == 0)
  }

  @Test("A kick doorbell that cannot be watched does no harm")
  func fileAsKick() throws {
    let guest = try Guest.running(disk, queueCount: 2)
    try guest.frontEnd.tellDoorbell(.setVringKick, 0, disk.image)
    #expect(try guest.queues[1].flush() == 0)
  }

  @Test("Front ends come and go a hundred times, and the engine's descriptors are as many after")
  func comeAndGo() throws {
    let engine = try lab.engine()
    try visit()
    try disk.waitUntil { !$0.isConnected }
    try lab.control.renew()
    // Both may still be about to close what they let go.
    pause(milliseconds: 50)
    let before = try names(in: "/proc/\(engine)/fd").count
    let keeper = "/proc/\(lab.keeper.pid)/fd"
    let keeperMost = try names(in: keeper).count
    for _ in 0..<100 { try visit() }
    try disk.waitUntil { !$0.isConnected }
    try lab.control.renew()
    try disk.waitUntil { _ in ((try? names(in: "/proc/\(engine)/fd").count) ?? .max) == before }
    try disk.waitUntil { _ in ((try? names(in: keeper).count) ?? .max) <= keeperMost }
    #expect(try lab.engine() == engine)
  }

  private func visit() throws {
    let guest = try Guest.running(disk, queueCount: 2)
    _ = try guest.queues[1].flush()
    guest.leave()
  }

  @Test("A front end that leaves in the middle of a message is forgotten")
  func halfMessage() throws {
    let frontEnd = try FrontEnd(connectingTo: disk.path)
    try frontEnd.send(Array(Message(.getFeatures).bytes.prefix(7)))
    disconnect(frontEnd.socket)
    let guest = try Guest.running(disk)
    #expect(try guest.queues[0].flush() == 0)
  }

  @Test("A thousand random messages harm nobody else")
  func random() throws {
    let neighbour = try Guest.running(other)
    let engine = try lab.engine()
    var state: UInt64 = 42
    for _ in 0..<1000 {
      let frontEnd = try FrontEnd(connectingTo: disk.path)
      for _ in 0..<8 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let payload = [UInt8](repeating: UInt8(state >> 56), count: Int(state >> 40 & 31))
        let message = Message(code: UInt32(state >> 33 & 63), payload: payload)
        guard (try? frontEnd.send(message, state >> 60 == 0 ? [disk.image] : [])) != nil else {
          break
        }
      }
    }
    #expect(try neighbour.queues[0].flush() == 0)
    #expect(try lab.engine() == engine)
  }
}
