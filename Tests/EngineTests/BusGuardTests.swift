import EngineLink
import LinuxSystem
import RingDriver
import Synchronization
import Testing
import VbusClient
import VbusLink
import Virtio

@Suite("What keeps one client from holding up an engine", .serialized)
struct BusGuardTests {
  let lab: EngineLab

  private static let byteCount = 1 << 20
  private static let region = Request.addMemory(
    Region(address: 1 << 40, byteCount: UInt64(byteCount), fileOffset: 0))

  init() throws {
    lab = try EngineLab()
    try lab.openBus()
  }

  // MARK: Descriptors

  @Test("Memory that is no file in memory is EBADF")
  func noMemory() throws {
    let client = try RawClient.attached(to: lab)
    #expect(try client.ask(Self.region, [makePipe().reading]).errno == .badDescriptor)
    #expect(try client.ask(Self.region, [EventDescriptor().descriptor]).errno == .badDescriptor)
  }

  @Test("A file in memory with a name is as good as one without")
  func namedMemory() throws {
    let path = "/dev/shm/vbusfs-\(processNumber())-\(monotonicNanoseconds())"
    let file = try open(path, [.readWrite, .create, .exclusive])
    try unlink(path)
    try resize(file, to: UInt64(Self.byteCount))
    #expect(try RawClient.attached(to: lab).ask(Self.region, [file]).errno == nil)
  }

  @Test("A bell that is no eventfd is EBADF")
  func noBell() throws {
    let client = try withMemory()
    let pipe = try makePipe()
    #expect(
      try client.ask(.addFastCall(address: 1 << 40), [pipe.reading, pipe.writing]).errno
        == .badDescriptor)
    let bell = try EventDescriptor().descriptor
    #expect(
      try client.ask(.addFastCall(address: 1 << 40), [bell, pipe.writing]).errno == .badDescriptor)
    #expect(try client.ask(.addFastCall(address: 1 << 40), [bell, bell]).errno == nil)
  }

  @Test("A bell that would wait does so no more")
  func waitingBell() throws {
    let client = try withMemory()
    let bells = try (0..<2).map { _ in try EventDescriptor().descriptor }
    for bell in bells { try bell.setNonblocking(false) }
    #expect(try bells.map(Self.mayWait) == [true, true])
    #expect(try client.ask(.addFastCall(address: 1 << 40), bells).errno == nil)
    #expect(try bells.map(Self.mayWait) == [false, false])
  }

  @Test("A bell that is full and is made to wait again holds up nobody, nor the next engine")
  func flippedBell() throws {
    let other = try lab.client()
    let native = try NativeDisk(lab.client(), lab.disk().offer.devID)
    let bell = try #require(native.queue.share.signal?.bells?.client)
    bell.clear()
    #expect(!native.queue.enableNotifications())
    try write([0xfe] + [UInt8](repeating: 0xff, count: 7), to: bell.descriptor)
    try bell.descriptor.setNonblocking(false)
    try native.postWrite(pattern(0, 1), sector: 0, slot: 0)
    try native.queue.publish()
    #expect(try other.devices().count == 1)
    let engine = try lab.engine()
    try send(signal: Signal.stop, to: engine)
    try bell.descriptor.setNonblocking(false)
    try lab.killEngine()
    _ = try lab.control.awaitEngine(after: engine)
    #expect(try other.devices().count == 1)
    // Its own client has everything else.
    #expect(try native.device.status().contains(.driverOK))
  }

  /// Whether reading waits; the flags of an open file are the same in each process that has it.
  private static func mayWait(_ descriptor: Descriptor) throws -> Bool {
    let text = try readFile("/proc/self/fdinfo/\(descriptor.number)")
    let words = String(decoding: text, as: UTF8.self).split { $0.isWhitespace }
    guard let place = words.firstIndex(of: "flags:"), place + 1 < words.count,
      let flags = Int32(words[place + 1], radix: 8)
    else { throw Errno.invalid }
    return !OpenFlags(rawValue: flags).contains(.nonblocking)
  }

  /// A client with memory in which there is a block for fast calls.
  private func withMemory() throws -> RawClient {
    let client = try RawClient.attached(to: lab)
    let file = try makeMemoryFile("memory", byteCount: Self.byteCount)
    var block = WireWriter()
    block.put(FastCallLayout.magicNumber)
    block.put(FastCallLayout.versionNumber)
    try write(block.bytes, to: file)
    guard try client.ask(Self.region, [file]).errno == nil else { throw Errno.invalid }
    return client
  }

  // MARK: Who is attached

  @Test("Somebody who is refused is no member")
  func refusedIsNoMember() throws {
    try #require(effectiveUser() == 0)
    let lab = try EngineLab()
    try lab.openBus(ContainerOffer(uid: 12345, gid: 12345, permissions: 0o700))
    try setPermissions(lab.keeper.folder, 0o755)
    let stranger = try Self.connect(to: lab, as: 4321)
    let client = try RawClient.attached(to: lab)
    let members = lab.control.heard(milliseconds: 200).compactMap {
      if case .members(let members) = $0 { members.map(\.uid) } else { nil }
    }
    #expect(members.last == [0])
    #expect(!members.joined().contains(4321))
    withExtendedLifetime((stranger, client)) {}
  }

  /// A connection that another user made, and through which nothing was said.
  private static func connect(to lab: EngineLab, as uid: UInt32) throws -> Channel {
    let path = lab.keeper.folder + "/bus"
    let made = Made()
    try Thread {
      made.channel.withLock { channel in
        guard (try? assumeRights(uid: uid, gid: uid, groups: [])) != nil else { return }
        channel = try? connectPackets(to: path)
      }
    }.join()
    guard let channel = made.channel.withLock({ $0 }) else { throw Errno.accessDenied }
    return channel
  }

  private final class Made: Sendable { let channel = Mutex<Channel?>(nil) }

  @Test("A client that takes no replies and then leaves is gone")
  func leavesUnread() throws {
    let client = try RawClient.attached(to: lab)
    var isFull = false
    while !isFull {
      do throws(Errno) { try client.channel.send(Packet(Request.untold.bytes(tag: 1))) } catch {
        guard error == .again else { throw error }
        isFull = !wait(for: .writable, on: client.channel.descriptor, milliseconds: 300)
      }
    }
    _ = lab.control.heard(milliseconds: 50)
    // Its end stays open: what it did not read keeps the engine from sending.
    disconnect(client.channel.descriptor)
    _ = try lab.control.hear { $0 == .members([]) }
    #expect(try lab.client().devices().isEmpty)
  }

  @Test("Two hundred changes in a moment are told in a few messages, the last one too")
  func oftenChanged() throws {
    let client = try lab.client()
    let id = try lab.rng()
    _ = lab.control.heard(milliseconds: 50)
    let start = monotonicNanoseconds()
    for _ in 0..<100 { try client.open(id).close() }
    let device = try client.open(id)
    let milliseconds = (monotonicNanoseconds() - start) / 1_000_000
    let heard = openCounts(lab.control.heard(milliseconds: 100))
    #expect(heard.last == 1)
    #expect(heard.count <= Int(milliseconds) / 10 + 2)
    try device.close()
  }

  @Test("What control does not read does not pile up, and in the end it hears what is so")
  func pilingUp() throws {
    let others = try (0..<40).map { _ in try RawClient.attached(to: lab) }
    let client = try lab.client()
    let id = try lab.rng()
    _ = lab.control.heard(milliseconds: 50)
    let text = try readFile("/proc/sys/net/core/wmem_default")
    let bufferByteCount = try #require(
      Int(String(decoding: text, as: UTF8.self).filter(\.isNumber)))
    // A member takes 32 bytes; so many messages fit at most.
    let fitting = bufferByteCount / (32 * others.count)
    try lab.control.deaf {
      for _ in 0..<(fitting + 100) / 2 {
        let device = try client.open(id)
        pause(milliseconds: 11)
        try device.close()
        pause(milliseconds: 11)
      }
      _ = try client.open(id)
    }
    let heard = openCounts(lab.control.heard(milliseconds: 300))
    #expect(heard.count <= fitting + 2)
    #expect(heard.last == 1)
    withExtendedLifetime(others) {}
  }

  /// How many devices this process has open, as each message of members tells.
  private func openCounts(_ heard: [EngineMessage]) -> [UInt32] {
    heard.compactMap {
      if case .members(let members) = $0 { members.reduce(0) { $0 + $1.openCount } } else { nil }
    }
  }

  @Test("A new control hears what is stopped and still open")
  func lingering() throws {
    let id = try lab.rng()
    let device = try lab.client().open(id)
    try lab.control.stop(UInt64(id))
    lab.control.complete()
    _ = try lab.control.hear { $0 == .lingering([UInt64(id)]) }
    withExtendedLifetime(device) {}
  }

  // MARK: After a death

  @Test("Who connects before a predecessor's clients are taken up waits until they are")
  func beforeTakingUp() throws {
    let former = try RawClient.attached(to: lab)
    try startAnewHesitating()
    let next = try RawClient(lab)
    try next.sayHello()
    #expect(!next.hears(milliseconds: 300))
    lab.control.complete()
    #expect(try next.reply().errno == nil)
    #expect(try former.ask(.ready).errno == nil)
  }

  @Test("A front end does not get the device of a client that is not taken up yet")
  func frontEndBeforeTakingUp() throws {
    let disk = try lab.disk()
    let native = try NativeDisk(lab.client(), disk.offer.devID)
    try startAnewHesitating()
    let frontEnd = try FrontEnd(connectingTo: disk.path)
    #expect(wait(on: frontEnd.socket, milliseconds: 5000))
    #expect(hasEnded(frontEnd.socket))
    lab.control.complete()
    #expect(try native.write(pattern(0, 1), sector: 0) == 0)
  }

  /// Has another engine that is not told that it was told everything.
  private func startAnewHesitating() throws {
    lab.control.hesitate()
    let former = try lab.engine()
    try lab.killEngine()
    _ = try lab.control.awaitEngine(after: former)
  }

  // MARK: Closing

  @Test("A device with a second's work posted is closed long before that is done")
  func longWork() throws {
    let disk = try lab.disk()
    let requestByteCount = 4 << 20
    try resize(disk.image, to: UInt64(requestByteCount))
    let client = try lab.client()
    let device = try VirtioDevice(client.open(disk.offer.devID))
    let features = try device.negotiate(.splitRing)
    let memory = try client.makeMemory(byteCount: requestByteCount + (1 << 20))
    let queue = try device.makeQueue(0, .virtqueue(1024, features: features), in: memory)
    try device.start()
    let header = try #require(memory.allocate(16)).segment(isWritable: false)
    let data = try #require(memory.allocate(requestByteCount)).segment(isWritable: true)
    let status = try #require(memory.allocate(1)).segment(isWritable: true)
    try whileStopped {
      var posted = 0
      while try queue.post([header, data, status], cookie: 0) { posted += 1 }
      #expect(posted == 341)
      try queue.publish()
    }
    try device.connection.close()
    var done = 0
    while try queue.reap() != nil { done += 1 }
    #expect((1..<300).contains(done))
  }

  private func whileStopped(_ body: () throws -> Void) throws {
    let engine = try lab.engine()
    try send(signal: Signal.stop, to: engine)
    try body()
    try send(signal: Signal.resume, to: engine)
  }
}
