import Testing
import VhostUser

@Suite("Queues, section \"Ring states\"")
struct QueueTests {
  @Test("A queue that was told everything, kicked and enabled runs")
  func running() throws {
    let session = try Bench.running()
    #expect(session.isRunning(0))
    #expect(!session.isRunning(1))
    #expect(session.queues[0].base == 7)
  }

  @Test("With VHOST_USER_F_PROTOCOL_FEATURES rings begin disabled")
  func disabledAtFirst() throws {
    #expect(try !Bench.negotiated().isEnabled(0))
  }

  @Test("Without VHOST_USER_F_PROTOCOL_FEATURES rings begin enabled")
  func enabledAtFirst() throws {
    #expect(try Bench.negotiated(features: 1 << 32).isEnabled(0))
  }

  @Test("An index that no queue has never runs")
  func foreignIndex() throws {
    #expect(try !Bench.running().isRunning(2))
  }

  @Test("SET_VRING_NUM takes powers of two up to the device's limit", arguments: [1, 256, 1024])
  func size(_ size: UInt32) throws {
    var session = try Bench.negotiated()
    #expect(try session.take(Bench.state(.setVringSize, 1, size)) == .queueChanged(1))
    #expect(session.queues[1].size == UInt16(size))
  }

  @Test(
    "SET_VRING_NUM refuses nothing, no power of two, and too many",
    arguments: [0, 3, 100, 2048, 32768, 65536, .max])
  func wrongSize(_ size: UInt32) throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.queueSize(size)) {
      try session.take(Bench.state(.setVringSize, 0, size))
    }
  }

  @Test("SET_VRING_NUM takes any size for a packed ring")
  func packedSize() throws {
    var session = Session(features: 1 << 34, queueCount: 1)
    try session.take(Bench.number(.setFeatures, 1 << 34))
    try session.take(Bench.state(.setVringSize, 0, 100))
    #expect(session.queues[0].size == 100)
  }

  @Test("SET_VRING_NUM that changes a running queue is refused")
  func sizeWhileRunning() throws {
    var session = try Bench.running()
    #expect(throws: SessionFault.queueIsRunning(0)) {
      try session.take(Bench.state(.setVringSize, 0, 64))
    }
  }

  @Test("SET_VRING_NUM of a queue that is not there is refused", arguments: [2, 256, .max])
  func sizeOfUnknownQueue(_ index: UInt32) throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.unknownQueue(UInt64(index))) {
      try session.take(Bench.state(.setVringSize, index, 64))
    }
  }

  @Test("SET_VRING_ADDR is taken, also while the queue runs")
  func addresses() throws {
    var session = try Bench.running()
    #expect(try session.take(Bench.addresses(0, descriptors: 0x8000)) == .queueChanged(0))
    #expect(session.queues[0].addresses?.descriptors == 0x8000)
    #expect(session.isRunning(0))
  }

  @Test("SET_VRING_ADDR refuses a descriptor table off 16 bytes (VIRTIO 1.2, 2.7)")
  func unalignedDescriptors() throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.unalignedRing) {
      try session.take(Bench.addresses(0, descriptors: 0x1008))
    }
  }

  @Test("SET_VRING_ADDR refuses a used ring off 4 bytes (VIRTIO 1.2, 2.7)")
  func unalignedUsed() throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.unalignedRing) {
      try session.take(Bench.addresses(0, used: 0x3002))
    }
  }

  @Test("SET_VRING_ADDR refuses an available ring off 2 bytes (VIRTIO 1.2, 2.7)")
  func unalignedAvailable() throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.unalignedRing) {
      try session.take(Bench.addresses(0, available: 0x2001))
    }
  }

  @Test("SET_VRING_ADDR that asks for logging is refused, for it is not offered")
  func loggedRing() throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.queueFlags(1)) {
      try session.take(Bench.addresses(0, flags: 1))
    }
  }

  @Test("SET_VRING_ADDR of a queue that is not there is refused")
  func addressesOfUnknownQueue() throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.unknownQueue(9)) { try session.take(Bench.addresses(9)) }
  }

  @Test("SET_VRING_ADDR of the wrong size is refused")
  func shortAddresses() throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.payloadSize(9, 8)) {
      try session.take(Bench.number(.setVringAddresses, 0))
    }
  }

  @Test("SET_VRING_BASE takes 65535")
  func base() throws {
    var session = try Bench.negotiated()
    try session.take(Bench.state(.setVringBase, 0, 65535))
    #expect(session.queues[0].base == 65535)
  }

  @Test("SET_VRING_BASE refuses 65536 for a split ring")
  func wrongBase() throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.queueBase(65536)) {
      try session.take(Bench.state(.setVringBase, 0, 65536))
    }
  }

  @Test("SET_VRING_BASE of a running queue is refused")
  func baseWhileRunning() throws {
    var session = try Bench.running()
    #expect(throws: SessionFault.queueIsRunning(0)) {
      try session.take(Bench.state(.setVringBase, 0, 0))
    }
  }

  @Test("SET_VRING_BASE stops a queue that was only disabled, as User-Mode Linux leaves it")
  func baseAfterDisable() throws {
    var session = try Bench.running()
    try session.take(Bench.state(.setVringEnabled, 0, 0))
    try session.take(Bench.state(.setVringBase, 0, 0))
    try session.take(Bench.state(.setVringEnabled, 0, 1))
    #expect(!session.isRunning(0))
  }

  @Test("GET_VRING_BASE stops the ring and answers where it stopped")
  func stop() throws {
    var session = try Bench.running()
    let message = Bench.state(.getVringBase, 0, 0)
    #expect(try session.take(message) == .queueStopped(0))
    session.recordStop(of: 0, at: 42)
    let reply = try #require(try session.reply(to: message))
    #expect(reply.payload == [0, 0, 0, 0, 42, 0, 0, 0])
    #expect(!session.isRunning(0))
  }

  @Test("GET_VRING_BASE of a stopped ring answers its base and stops nothing")
  func stopAgain() throws {
    var session = try Bench.negotiated()
    try session.take(Bench.state(.setVringBase, 1, 5))
    let message = Bench.state(.getVringBase, 1, 0)
    #expect(try session.take(message) == .queueChanged(1))
    let reply = try #require(try session.reply(to: message))
    #expect(reply.payload == [1, 0, 0, 0, 5, 0, 0, 0])
  }

  @Test("GET_VRING_BASE of a queue that is not there is refused")
  func stopUnknown() throws {
    var session = try Bench.running()
    #expect(throws: SessionFault.unknownQueue(2)) {
      try session.take(Bench.state(.getVringBase, 2, 0))
    }
  }

  @Test("SET_VRING_KICK with a descriptor starts the ring")
  func kick() throws {
    var session = try Bench.negotiated()
    let effect = try session.take(Bench.number(.setVringKick, 1), descriptors: 1)
    #expect(effect == .doorbell(.kick, queue: 1, isGiven: true))
    #expect(session.queues[1].isStarted)
  }

  @Test("SET_VRING_KICK with bit 8 and no descriptor asks for polling")
  func polledKick() throws {
    var session = try Bench.negotiated()
    let effect = try session.take(Bench.number(.setVringKick, 0x101))
    #expect(effect == .doorbell(.kick, queue: 1, isGiven: false))
    #expect(session.queues[1].kick == .absent)
  }

  @Test("SET_VRING_KICK without bit 8 and without descriptor is refused")
  func missingKick() throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.descriptorCount(0, expected: 1)) {
      try session.take(Bench.number(.setVringKick, 0))
    }
  }

  @Test("SET_VRING_KICK with bit 8 and a descriptor is refused")
  func surplusKick() throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.descriptorCount(1, expected: 0)) {
      try session.take(Bench.number(.setVringKick, 0x100), descriptors: 1)
    }
  }

  @Test("SET_VRING_KICK with bits above 8 is refused")
  func kickBits() throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.doorbellBits(0x200)) {
      try session.take(Bench.number(.setVringKick, 0x200), descriptors: 1)
    }
  }

  @Test("SET_VRING_KICK of a queue that is not there is refused")
  func kickOfUnknownQueue() throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.unknownQueue(255)) {
      try session.take(Bench.number(.setVringKick, 255), descriptors: 1)
    }
  }

  @Test("SET_VRING_CALL and SET_VRING_ERR are taken, also while the queue runs")
  func callAndError() throws {
    var session = try Bench.running()
    let call = try session.take(Bench.number(.setVringCall, 0), descriptors: 1)
    let error = try session.take(Bench.number(.setVringError, 0), descriptors: 1)
    #expect(call == .doorbell(.call, queue: 0, isGiven: true))
    #expect(error == .doorbell(.error, queue: 0, isGiven: true))
  }

  @Test("SET_VRING_CALL without its descriptor is refused")
  func missingCall() throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.descriptorCount(0, expected: 1)) {
      try session.take(Bench.number(.setVringCall, 0))
    }
  }

  @Test("SET_VRING_ERR with two descriptors is refused")
  func surplusError() throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.descriptorCount(2, expected: 1)) {
      try session.take(Bench.number(.setVringError, 0), descriptors: 2)
    }
  }

  @Test("SET_VRING_ENABLE with 0 takes a queue out of work and leaves it started")
  func disable() throws {
    var session = try Bench.running()
    #expect(try session.take(Bench.state(.setVringEnabled, 0, 0)) == .queueChanged(0))
    #expect(!session.isRunning(0))
    #expect(session.queues[0].isStarted)
  }

  @Test("SET_VRING_ENABLE with 2 is refused")
  func enableValue() throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.enableValue(2)) {
      try session.take(Bench.state(.setVringEnabled, 0, 2))
    }
  }

  @Test("SET_VRING_ENABLE without VHOST_USER_F_PROTOCOL_FEATURES is refused")
  func enableNotNegotiated() {
    var session = Bench.fresh()
    #expect(throws: SessionFault.notNegotiated(.setVringEnabled)) {
      try session.take(Bench.state(.setVringEnabled, 0, 1))
    }
  }
}

@Suite("Section \"In-band notifications\"")
struct InBandTests {
  @Test("VRING_KICK starts a ring and has it looked at")
  func kick() throws {
    var session = try Bench.negotiated()
    #expect(try session.take(Bench.state(.vringKick, 1, 0)) == .kicked(1))
    #expect(session.queues[1].isStarted)
  }

  @Test("VRING_KICK with a number other than 0 is refused")
  func kickValue() throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.kickValue(1)) {
      try session.take(Bench.state(.vringKick, 0, 1))
    }
  }

  @Test("VRING_KICK without its protocol feature is refused")
  func kickNotNegotiated() throws {
    var session = try Bench.negotiated(protocolFeatures: [.replyAcknowledge])
    #expect(throws: SessionFault.notNegotiated(.vringKick)) {
      try session.take(Bench.state(.vringKick, 0, 0))
    }
  }

  @Test("VRING_KICK of a queue that is not there is refused")
  func kickOfUnknownQueue() throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.unknownQueue(2)) {
      try session.take(Bench.state(.vringKick, 2, 0))
    }
  }

  @Test("Without a call descriptor the driver is called over the channel")
  func callsInBand() throws {
    var session = try Bench.negotiated()
    try session.take(Message(.setBackendChannel), descriptors: 1)
    try session.take(Bench.number(.setVringCall, 0x100))
    #expect(session.callsInBand(0))
    #expect(session.failsInBand(0))
  }

  @Test("A call descriptor is preferred to the channel")
  func callsByDescriptor() throws {
    #expect(try !Bench.running().callsInBand(0))
  }

  @Test("Without a channel nobody is called in band")
  func noChannel() throws {
    #expect(try !Bench.negotiated().callsInBand(0))
  }
}
