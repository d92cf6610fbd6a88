import LinuxSystem
import RingDriver
import TestSupport
import Testing
import VbusClient
import VbusLink
import VhostUser

@Suite(
  "A descriptor of a file system that does not answer harms its sender only", .serialized,
  .needs(.root, .fuse), .timeLimit(.minutes(2)))
struct SilentFileTests {
  /// Messages of a native client with as many descriptors as they need, with more than that, and
  /// ones that make no sense.
  static let native: [(bytes: [UInt8], count: Int)] = [
    (addMemory, 1), (Request.addFastCall(address: 4096).bytes(tag: 1), 2), (addMemory, 2),
    (addMemory, 9), (Request.ready.bytes(tag: 1), 1), ([UInt8](repeating: 0xfe, count: 8), 1),
    ([1, 2, 3], 1), ([UInt8](repeating: 1, count: 200), 2),
  ]

  private static let region = Request.addMemory(
    Region(address: 1 << 40, byteCount: 4096, fileOffset: 0))
  private static let addMemory = region.bytes(tag: 1)

  @Test(
    "Sent over the bus it holds up no other client", arguments: native.indices,
    SilentFile.Rest.allCases)
  func overBus(_ index: Int, _ rest: SilentFile.Rest) throws {
    let (bytes, count) = Self.native[index]
    let (lab, device, client) = try Self.bus()
    let file = try SilentFile(leaving: rest)
    try surprise(lab, file) {
      try client.send(bytes, [Descriptor](repeating: file.open(), count: count))
    }
    #expect(client.hears())
    #expect(try device.status() == [])
  }

  /// A bus with a device that one client has open, and another client.
  private static func bus() throws -> (EngineLab, VirtioDevice, RawClient) {
    let lab = try EngineLab()
    try lab.openBus()
    return (lab, try VirtioDevice(lab.client().open(lab.rng())), try RawClient.attached(to: lab))
  }

  @Test("Behind more descriptors than a message may have it holds up no other client")
  func behindOthers() throws {
    let (lab, device, client) = try Self.bus()
    let file = try SilentFile(leaving: .unwrittenBytes)
    try surprise(lab, file) {
      let bells = [Descriptor](repeating: try EventDescriptor().descriptor, count: 9)
      try client.send(Self.addMemory, bells + [file.open()])
    }
    #expect(try client.reply().errno == .invalid)
    #expect(try device.status() == [])
  }

  @Test("Unread behind a message that ends the connection it holds up no other client")
  func unread() throws {
    let (lab, device, client) = try Self.bus()
    let file = try SilentFile(leaving: .unwrittenBytes)
    try surprise(lab, file) {
      try client.send([1, 2, 3])
      try client.send(Self.addMemory, [file.open()])
    }
    #expect(client.hears())
    #expect(try device.status() == [])
    // The keeper too lets go of the connection.
    #expect(try lab.client().devices().count == 1)
  }

  @Test("As memory it is EBADF")
  func asMemory() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let client = try RawClient.attached(to: lab)
    let file = try SilentFile()
    try surprise(lab, file) { try client.send(Self.addMemory, [file.open()]) }
    #expect(try client.reply().errno == .badDescriptor)
  }

  @Test("In an epoll set that is to be a bell it is EBADF")
  func inSet() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let client = try RawClient.attached(to: lab)
    let memory = try makeMemoryFile("memory", byteCount: 4096)
    #expect(try client.ask(Self.region, [memory]).errno == nil)
    let file = try SilentFile()
    try surprise(lab, file) {
      let set = try DescriptorSet()
      try set.add(file.open())
      try client.send(
        Request.addFastCall(address: 1 << 40).bytes(tag: 1), [set.descriptor, set.descriptor])
    }
    #expect(try client.reply().errno == .badDescriptor)
  }

  @Test("In an epoll set that is to be a kick it ends the front end's connection")
  func inSetOfFrontEnd() throws {
    let lab = try EngineLab()
    let disk = try lab.disk()
    let file = try SilentFile()
    let frontEnd = try FrontEnd(connectingTo: disk.path)
    try surprise(lab, file) {
      let set = try DescriptorSet()
      try set.add(file.open())
      try frontEnd.send(Self.ofFrontEnd[0].message, [set.descriptor])
    }
    #expect(wait(on: frontEnd.socket, milliseconds: 10_000))
    #expect(hasEnded(frontEnd.socket))
    #expect(try Guest.running(lab.disk()).queues[0].flush() == 0)
  }

  @Test("More of them than the quarantine holds end no client, and later ones work again")
  func tooMany() throws {
    let lab = try EngineLab()
    try lab.openBus()
    let device = try VirtioDevice(lab.client().open(lab.rng()))
    let clients = try (0..<16).map { _ in try RawClient.attached(to: lab) }
    let others = try (0..<2).map { _ in try RawClient.attached(to: lab) }
    let memory = try makeMemoryFile("memory", byteCount: 4096)
    let file = try flood(lab, through: clients)
    #expect(try device.status() == [])
    #expect(try others[0].ask(.ready).errno == nil)
    try others[1].send(Self.addMemory, [memory])
    #expect(others[1].hears() && hasEnded(others[1].channel.descriptor))
    file.end()
    for _ in 0..<1000 where (try? lab.client()) == nil { pause(milliseconds: 10) }
    #expect(try lab.client().devices().count == 1)
  }

  /// Fills the quarantine; what it waits for.
  private func flood(
    _ lab: EngineLab, through clients: [RawClient]
  ) throws -> SilentFile {
    let file = try SilentFile()
    let roundCount = Quarantine.countMax / clients.count / 3 + 1
    try surprise(lab, file) {
      let descriptors = [Descriptor](repeating: try file.open(), count: 3)
      for _ in 0..<roundCount {
        for client in clients { try client.send(Self.addMemory, descriptors) }
      }
    }
    // As long as the engine takes to hear all that, and to see that the first one waits.
    pause(milliseconds: 200)
    return file
  }

  /// Messages of a front end with as many descriptors as they need, and with more.
  static let ofFrontEnd: [(message: Message, count: Int)] = [
    (Message(.setVringKick, payload: payloadBytes { $0.put(UInt64(0)) }), 1),
    (Message(.setVringCall, payload: payloadBytes { $0.put(UInt64(0)) }), 1),
    (Message(.setBackendChannel), 1), (Message(.getFeatures), 1), (Message(.setOwner), 60),
  ]

  @Test(
    "Sent by a front end it holds up no other device", arguments: ofFrontEnd.indices,
    SilentFile.Rest.allCases)
  func byFrontEnd(_ index: Int, _ rest: SilentFile.Rest) throws {
    let (message, count) = Self.ofFrontEnd[index]
    let lab = try EngineLab()
    let disk = try lab.disk()
    let neighbour = try Guest.running(lab.disk())
    let file = try SilentFile(leaving: rest)
    let frontEnd = try FrontEnd(connectingTo: disk.path)
    try surprise(lab, file) {
      try frontEnd.send(message, [Descriptor](repeating: file.open(), count: count))
    }
    #expect(wait(on: frontEnd.socket, milliseconds: 10_000))
    #expect(hasEnded(frontEnd.socket))
    #expect(try neighbour.queues[0].flush() == 0)
  }

  @Test(
    "A front end that leaves with half a message and such a file holds up no other device",
    arguments: SilentFile.Rest.allCases)
  func halfMessage(_ rest: SilentFile.Rest) throws {
    let lab = try EngineLab()
    let disk = try lab.disk()
    let neighbour = try Guest.running(lab.disk())
    let file = try SilentFile(leaving: rest)
    let frontEnd = try FrontEnd(connectingTo: disk.path)
    try surprise(lab, file) {
      try frontEnd.send(Array(Message(.getFeatures).bytes.prefix(7)), [file.open()])
    }
    disconnect(frontEnd.socket)
    #expect(try neighbour.queues[0].flush() == 0)
    #expect(try Guest.running(disk).queues[0].flush() == 0)
  }

  @Test("Sent by a front end that is turned away it holds up no other device")
  func turnedAway() throws {
    let lab = try EngineLab()
    let disk = try lab.disk()
    let present = try Guest.running(disk)
    let file = try SilentFile(leaving: .unwrittenBytes)
    var socket: Descriptor?
    try surprise(lab, file) {
      // Or it would be turned away before it has said anything.
      let frontEnd = try FrontEnd(connectingTo: disk.path)
      try frontEnd.send(Message(.getFeatures), [file.open()])
      socket = frontEnd.socket
    }
    #expect(try present.queues[0].flush() == 0)
    let turnedAway = try #require(socket)
    #expect(wait(on: turnedAway, milliseconds: 10_000))
    #expect(hasEnded(turnedAway))
    #expect(try Guest.running(lab.disk()).queues[0].flush() == 0)
  }

  @Test("The threads that wait are confined as the engine is")
  func confinedThreads() throws {
    let lab = try EngineLab()
    _ = try lab.disk()
    let tasks = "/proc/\(try lab.engine())/task"
    let threads = try names(in: tasks)
    // The loop's, the quarantine's, and the one that looks after bells.
    #expect(threads.count == 3)
    for thread in threads {
      let status = String(decoding: try readFile("\(tasks)/\(thread)/status"), as: UTF8.self)
      let lines = status.split(separator: "\n")
      #expect(lines.contains("Seccomp:\t2"))
      #expect(lines.contains("NoNewPrivs:\t1"))
      #expect(lines.contains("Uid:\t65534\t65534\t65534\t65534"))
      #expect(lines.contains("CapEff:\t0000000000000000"))
    }
  }

  // MARK: Means

  /// Has something said that the engine hears when the file's system answers no more.
  private func surprise(_ lab: EngineLab, _ file: SilentFile, _ say: () throws -> Void) throws {
    let engine = try lab.engine()
    try send(signal: Signal.stop, to: engine)
    try say()
    try file.fallSilent()
    try send(signal: Signal.resume, to: engine)
  }
}
