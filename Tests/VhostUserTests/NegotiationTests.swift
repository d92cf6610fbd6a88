import Testing
import VhostUser

@Suite("Negotiation")
struct NegotiationTests {
  @Test("GET_FEATURES answers the device's features with VHOST_USER_F_PROTOCOL_FEATURES")
  func getFeatures() throws {
    var session = Bench.fresh()
    #expect(try session.take(Message(.getFeatures)) == Effect.none)
    let reply = try #require(try session.reply(to: Message(.getFeatures)))
    #expect(try reply.number() == Bench.deviceFeatures | Bench.protocolBit)
  }

  @Test("GET_FEATURES with a payload is refused")
  func getFeaturesWithPayload() {
    var session = Bench.fresh()
    #expect(throws: SessionFault.payloadSize(1, 8)) {
      try session.take(Bench.number(.getFeatures, 0))
    }
  }

  @Test("GET_FEATURES with a descriptor is refused")
  func getFeaturesWithDescriptor() {
    var session = Bench.fresh()
    #expect(throws: SessionFault.descriptorCount(1, expected: 0)) {
      try session.take(Message(.getFeatures), descriptors: 1)
    }
  }

  @Test("SET_FEATURES with a part of what was offered is taken over")
  func setFeatures() throws {
    var session = Bench.fresh()
    #expect(try session.take(Bench.number(.setFeatures, 1 << 32)) == .featuresAcked)
    #expect(session.ackedFeatures == 1 << 32)
  }

  @Test("SET_FEATURES with a bit that was not offered is refused and changes nothing")
  func setForeignFeatures() {
    var session = Bench.fresh()
    #expect(throws: SessionFault.featuresNotOffered(1 << 5)) {
      try session.take(Bench.number(.setFeatures, 1 << 32 | 1 << 5))
    }
    #expect(session == Bench.fresh())
  }

  @Test("SET_FEATURES with other features while a queue runs is refused")
  func setFeaturesWhileRunning() throws {
    var session = try Bench.running()
    #expect(throws: SessionFault.queueIsRunning(0)) {
      try session.take(Bench.number(.setFeatures, 1 << 32))
    }
  }

  @Test("SET_FEATURES with the same features while a queue runs is taken")
  func repeatFeaturesWhileRunning() throws {
    var session = try Bench.running()
    let same = Bench.number(.setFeatures, Bench.deviceFeatures | Bench.protocolBit)
    #expect(try session.take(same) == .featuresAcked)
    #expect(session.isRunning(0))
  }

  @Test("SET_FEATURES of four bytes is refused")
  func shortFeatures() {
    var session = Bench.fresh()
    #expect(throws: SessionFault.payloadSize(2, 4)) {
      try session.take(Message(.setFeatures, payload: [0, 0, 0, 0]))
    }
  }

  @Test("GET_PROTOCOL_FEATURES answers what is implemented, before SET_FEATURES too")
  func getProtocolFeatures() throws {
    let session = Bench.fresh()
    let reply = try #require(try session.reply(to: Message(.getProtocolFeatures)))
    #expect(try reply.number() == 0x1e229)
  }

  @Test("GET_PROTOCOL_FEATURES answers less when a device offers less")
  func fewerProtocolFeatures() throws {
    let session = Session(features: 0, queueCount: 1, protocolFeatures: [.replyAcknowledge])
    let reply = try #require(try session.reply(to: Message(.getProtocolFeatures)))
    #expect(try reply.number() == 8)
  }

  @Test("GET_PROTOCOL_FEATURES with a payload is refused")
  func getProtocolFeaturesWithPayload() {
    var session = Bench.fresh()
    #expect(throws: SessionFault.payloadSize(15, 8)) {
      try session.take(Bench.number(.getProtocolFeatures, 0))
    }
  }

  @Test("SET_PROTOCOL_FEATURES with a part of what was offered is taken over")
  func setProtocolFeatures() throws {
    var session = Bench.fresh()
    try session.take(Bench.setProtocolFeatures(0x9))
    #expect(session.protocolFeatures == [.multipleQueues, .replyAcknowledge])
  }

  @Test("SET_PROTOCOL_FEATURES with dirty logging, which is not offered, is refused")
  func setForeignProtocolFeatures() {
    var session = Bench.fresh()
    #expect(throws: SessionFault.protocolFeaturesNotOffered(2)) {
      try session.take(Bench.setProtocolFeatures(0xb))
    }
  }

  @Test("In-band notifications without back-end channel are refused, and the connection closes")
  func inBandWithoutChannel() {
    var session = Bench.fresh()
    let message = Bench.number(.setProtocolFeatures, 1 << 14 | 1 << 3, needsReply: true)
    #expect(throws: SessionFault.inBandWithoutChannel) { try session.take(message) }
    #expect(session.refusal(of: message, for: .inBandWithoutChannel) == nil)
  }

  @Test("In-band notifications without acknowledged replies are refused")
  func inBandWithoutAcknowledge() {
    var session = Bench.fresh()
    #expect(throws: SessionFault.inBandWithoutChannel) {
      try session.take(Bench.setProtocolFeatures(1 << 14 | 1 << 5))
    }
  }

  @Test("SET_OWNER marks the session, and twice is once")
  func setOwner() throws {
    var session = Bench.fresh()
    try session.take(Message(.setOwner))
    try session.take(Message(.setOwner))
    #expect(session.hasOwner)
  }

  @Test("SET_OWNER with a payload is refused")
  func setOwnerWithPayload() {
    var session = Bench.fresh()
    #expect(throws: SessionFault.payloadSize(3, 8)) {
      try session.take(Bench.number(.setOwner, 0))
    }
  }

  @Test("RESET_OWNER disables all rings")
  func resetOwner() throws {
    var session = try Bench.running()
    #expect(try session.take(Message(.resetOwner)) == .queuesChanged)
    #expect(!session.isRunning(0))
  }

  @Test("RESET_OWNER is ignored where rings could not be enabled again")
  func resetOwnerOfSimpleFrontEnd() throws {
    var session = Bench.fresh()
    try session.take(Bench.number(.setFeatures, 1 << 32))
    #expect(try session.take(Message(.resetOwner)) == Effect.none)
    #expect(session.isEnabled(0))
  }

  @Test("RESET_OWNER with a payload is refused")
  func resetOwnerWithPayload() {
    var session = Bench.fresh()
    #expect(throws: SessionFault.payloadSize(4, 8)) {
      try session.take(Bench.number(.resetOwner, 0))
    }
  }

  @Test("GET_QUEUE_NUM answers the number of queues, before protocol features are acked too")
  func queueCount() throws {
    var session = Bench.fresh()
    try session.take(Message(.getQueueCount))
    let reply = try #require(try session.reply(to: Message(.getQueueCount)))
    #expect(try reply.number() == 2)
  }

  @Test("GET_QUEUE_NUM without the offer of multiple queues is refused")
  func queueCountNotOffered() {
    var session = Session(features: 0, queueCount: 1, protocolFeatures: [])
    #expect(throws: SessionFault.notNegotiated(.getQueueCount)) {
      try session.take(Message(.getQueueCount))
    }
  }

  @Test("SET_BACKEND_REQ_FD with one descriptor opens the channel")
  func backendChannel() throws {
    var session = try Bench.negotiated()
    #expect(try session.take(Message(.setBackendChannel), descriptors: 1) == .backendChannel)
    #expect(session.mayAnnounceConfiguration)
  }

  @Test("SET_BACKEND_REQ_FD without a descriptor is refused")
  func backendChannelMissing() throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.descriptorCount(0, expected: 1)) {
      try session.take(Message(.setBackendChannel))
    }
  }

  @Test("SET_BACKEND_REQ_FD without its protocol feature is refused")
  func backendChannelNotNegotiated() {
    var session = Bench.fresh()
    #expect(throws: SessionFault.notNegotiated(.setBackendChannel)) {
      try session.take(Message(.setBackendChannel), descriptors: 1)
    }
  }
}
