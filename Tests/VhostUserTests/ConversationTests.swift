import LinuxSystem
import RingDriver
import Testing
import VhostUser

@Suite("A front end and a session talk over a socket")
struct ConversationTests {
  let backEnd: SmallBackEnd
  /// As connected: nothing is negotiated.
  let silent: FrontEnd

  init() throws {
    let (near, far) = try makeStreamPair()
    let backEnd = SmallBackEnd(far)
    self.backEnd = backEnd
    silent = FrontEnd(near)
    _ = try Thread { backEnd.serve() }
  }

  func negotiated() throws -> FrontEnd {
    var frontEnd = silent
    try frontEnd.negotiate()
    return frontEnd
  }

  /// 64 KiB at guest address 0.
  func memory() throws -> FrontEnd.Memory {
    FrontEnd.Memory(
      guestAddress: 0, userAddress: 0x7f00_0000_0000, byteCount: 0x10000,
      file: try makeMemoryFile("guest", byteCount: 0x10000))
  }

  func ring(_ index: Int) throws -> FrontEnd.Ring {
    FrontEnd.Ring(
      index: index, size: 128, descriptors: 0x7f00_0000_0000, available: 0x7f00_0000_1000,
      used: 0x7f00_0000_2000, kick: try EventDescriptor().descriptor,
      call: try EventDescriptor().descriptor)
  }

  @Test("The whole way to two running queues")
  func twoQueues() throws {
    var frontEnd = silent
    let features = try frontEnd.negotiate()
    #expect(features == Bench.deviceFeatures | Bench.protocolBit)
    #expect(try frontEnd.queueCount() == 2)
    try frontEnd.setMemory([memory()])
    try frontEnd.start(ring(0))
    try frontEnd.start(ring(1))
    let session = try backEnd.session
    #expect(session.isRunning(0))
    #expect(session.isRunning(1))
  }

  @Test("A front end that knows no protocol features gets its queue running")
  func simpleFrontEnd() throws {
    var frontEnd = silent
    try frontEnd.negotiate(features: 1 << 32)
    try frontEnd.setMemory([memory()])
    try frontEnd.start(ring(0))
    #expect(try frontEnd.stop(0) == 0)
    #expect(try backEnd.session.protocolFeatures.isEmpty)
  }

  @Test("A stopped queue tells its base and can be started again from there")
  func stopAndStart() throws {
    let frontEnd = try negotiated()
    try frontEnd.setMemory([memory()])
    var ring = try ring(0)
    ring.base = 9
    try frontEnd.start(ring)
    #expect(try frontEnd.stop(0) == 9)
    #expect(try !backEnd.session.isRunning(0))
    try frontEnd.start(ring)
    #expect(try backEnd.session.isRunning(0))
  }

  @Test("Memory comes and goes in regions")
  func regions() throws {
    let frontEnd = try negotiated()
    #expect(try frontEnd.memorySlotsMax() == 32)
    let memory = try memory()
    try frontEnd.addMemory(memory)
    #expect(try backEnd.session.regions.map(\.byteCount) == [0x10000])
    try frontEnd.removeMemory(memory)
    #expect(try backEnd.session.regions.isEmpty)
  }

  @Test("Configuration space is read")
  func configuration() throws {
    let frontEnd = try negotiated()
    #expect(try frontEnd.configuration(offset: 8, count: 3) == [8, 9, 10])
  }

  @Test("Configuration space beyond the device's is answered with nothing")
  func configurationBeyond() throws {
    let frontEnd = try negotiated()
    #expect(try frontEnd.configuration(offset: 59, count: 2).isEmpty)
  }

  @Test("A refused write of the configuration space leaves the connection open")
  func refusedWrite() throws {
    let frontEnd = try negotiated()
    #expect(throws: FrontEndError.refused(.setConfiguration)) {
      try frontEnd.setConfiguration(offset: 0, [1])
    }
    #expect(try frontEnd.queueCount() == 2)
  }

  @Test("Status is kept, and 0 clears it")
  func status() throws {
    let frontEnd = try negotiated()
    try frontEnd.setStatus(0xf)
    #expect(try frontEnd.status() == 0xf)
    try frontEnd.setStatus(0)
    #expect(try frontEnd.status() == 0)
  }

  @Test("A reset stops queues and keeps memory")
  func reset() throws {
    let frontEnd = try negotiated()
    try frontEnd.setMemory([memory()])
    try frontEnd.start(ring(0))
    try frontEnd.resetDevice()
    let session = try backEnd.session
    #expect(!session.isRunning(0))
    #expect(session.regions.count == 1)
  }

  @Test("The back end's own message arrives over the channel")
  func channel() throws {
    let frontEnd = try negotiated()
    let ours = try frontEnd.openBackendChannel()
    try send(.configurationChanged(), on: #require(backEnd.backendChannel))
    let message = try receiveMessage(from: ours, milliseconds: 5000)
    #expect(message.backendRequest == .configurationChanged)
  }

  @Test("In-band kicks are acknowledged")
  func inBand() throws {
    var frontEnd = silent
    try frontEnd.negotiate(protocolFeatures: .implemented)
    try frontEnd.kickInBand(1)
    #expect(try backEnd.session.queues[1].isStarted)
  }

  @Test("A refused order with need_reply leaves the connection open")
  func refusedOrder() throws {
    let frontEnd = try negotiated()
    #expect(throws: FrontEndError.refused(.setVringSize)) {
      try frontEnd.tellState(.setVringSize, 0, 3)
    }
    #expect(try frontEnd.queueCount() == 2)
  }

  @Test("A refused order without need_reply closes the connection")
  func closedAfterOrder() throws {
    try silent.send(Bench.state(.setVringSize, 0, 3))
    #expect(throws: FrontEndError.link(.ended)) { try silent.receive() }
  }

  @Test("Garbage closes the connection")
  func garbage() throws {
    try silent.send([UInt8](repeating: 0xff, count: 64))
    #expect(throws: FrontEndError.link(.ended)) { try silent.receive() }
  }

  @Test("Half a message is waited for and not answered")
  func halfMessage() throws {
    let hasty = FrontEnd(silent.socket, patienceMilliseconds: 20)
    try silent.send(Array(Message(.getFeatures).bytes.dropLast()))
    #expect(throws: FrontEndError.timedOut) { try hasty.receive() }
    try silent.send(Array(Message(.getFeatures).bytes.suffix(1)))
    #expect(try silent.receive().request == .getFeatures)
  }

  @Test("A front end that acks protocol features without their bit may enable its queue")
  func oldFrontEnd() throws {
    var frontEnd = silent
    try frontEnd.negotiate(features: 1 << 32)
    try frontEnd.setProtocolFeatures([.replyAcknowledge])
    try frontEnd.setMemory([memory()])
    try frontEnd.start(ring(0))
    #expect(try backEnd.session.isRunning(0))
    try frontEnd.setEnabled(0, false)
    #expect(try !backEnd.session.isRunning(0))
  }

  @Test("A front end finds its back end by path")
  func byPath() throws {
    let path = "/tmp/vhost-user-test-\(processNumber())"
    let listener = try listen(
      at: path, permissions: 0o600, uid: effectiveUser(), gid: effectiveGroup())
    defer { try? unlink(path) }
    var frontEnd = try FrontEnd(connectingTo: path)
    let backEnd = SmallBackEnd(try accept(from: listener))
    _ = try Thread { backEnd.serve() }
    try frontEnd.negotiate()
    #expect(try frontEnd.queueCount() == 2)
  }

  @Test("Where nobody listens no front end connects")
  func nobodyListens() {
    #expect(throws: FrontEndError.link(.connection(.noEntry))) {
      _ = try FrontEnd(connectingTo: "/tmp/vhost-user-test-nobody")
    }
  }
}
