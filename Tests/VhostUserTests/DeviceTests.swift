import Testing
import VhostUser

@Suite("Configuration space, status and reset")
struct DeviceTests {
  @Test("GET_CONFIG asks for the range and answers header and bytes")
  func readConfiguration() throws {
    var session = try Bench.negotiated()
    let message = Bench.configuration(
      .getConfiguration, offset: 4, count: 2, bytes: [0, 0])
    #expect(try session.take(message) == .readConfiguration(offset: 4, count: 2))
    let reply = try #require(try session.reply(to: message, .configuration([8, 9])))
    #expect(reply.payload == [4, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 8, 9])
  }

  @Test("GET_CONFIG that cannot be answered has an empty reply")
  func failedConfiguration() throws {
    let session = try Bench.negotiated()
    let message = Bench.configuration(.getConfiguration, offset: 0, count: 1, bytes: [0])
    let reply = try #require(try session.reply(to: message, .refused))
    #expect(reply.payload.isEmpty)
  }

  @Test("GET_CONFIG answered with fewer bytes than asked for has an empty reply")
  func shortConfiguration() throws {
    let session = try Bench.negotiated()
    let message = Bench.configuration(.getConfiguration, offset: 0, count: 2, bytes: [0, 0])
    let reply = try #require(try session.reply(to: message, .configuration([1])))
    #expect(reply.payload.isEmpty)
  }

  @Test("GET_CONFIG of the whole 256 bytes is taken")
  func wholeConfiguration() throws {
    var session = try Bench.negotiated()
    let message = Bench.configuration(
      .getConfiguration, offset: 0, count: 256, bytes: [UInt8](repeating: 0, count: 256))
    #expect(try session.take(message) == .readConfiguration(offset: 0, count: 256))
  }

  @Test(
    "A range outside of 256 bytes, or of none, is refused",
    arguments: [(256, 1), (0, 257), (0, 0), (255, 2), (.max, 2), (2, .max)]
      as [(UInt32, UInt32)])
  func configurationRange(_ offset: UInt32, _ count: UInt32) throws {
    var session = try Bench.negotiated()
    let message = Bench.configuration(
      .getConfiguration, offset: offset, count: count, bytes: [])
    #expect(throws: SessionFault.configurationRange(offset: offset, count: count)) {
      try session.take(message)
    }
  }

  @Test("GET_CONFIG whose payload is not the size it names is refused, with an empty reply")
  func crookedConfiguration() throws {
    var session = try Bench.negotiated()
    let message = Bench.configuration(.getConfiguration, offset: 0, count: 4, bytes: [0])
    #expect(throws: SessionFault.payloadSize(24, 13)) { try session.take(message) }
    let refusal = session.refusal(of: message, for: .payloadSize(24, 13))
    #expect(refusal?.payload == [])
  }

  @Test("GET_CONFIG without its protocol feature is refused")
  func configurationNotNegotiated() {
    var session = Bench.fresh()
    #expect(throws: SessionFault.notNegotiated(.getConfiguration)) {
      try session.take(
        Bench.configuration(.getConfiguration, offset: 0, count: 1, bytes: [0]))
    }
  }

  @Test("SET_CONFIG hands over offset, bytes and whether it is a migration")
  func writeConfiguration() throws {
    var session = try Bench.negotiated()
    let message = Bench.configuration(
      .setConfiguration, offset: 32, count: 1, flags: 1, bytes: [1])
    #expect(
      try session.take(message)
        == .writeConfiguration(offset: 32, bytes: [1], isMigration: true))
  }

  @Test("SET_CONFIG with unknown flags is refused")
  func configurationFlags() throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.configurationFlags(2)) {
      try session.take(
        Bench.configuration(.setConfiguration, offset: 0, count: 1, flags: 2, bytes: [1]))
    }
  }

  @Test("SET_CONFIG shorter than its header is refused")
  func truncatedConfiguration() throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.payloadSize(25, 8)) {
      try session.take(Bench.number(.setConfiguration, 0))
    }
  }

  @Test("SET_STATUS is kept and GET_STATUS answers it")
  func status() throws {
    var session = try Bench.negotiated()
    #expect(try session.take(Bench.number(.setStatus, 0xf)) == .statusChanged(0xf))
    try session.take(Message(.getStatus))
    let reply = try #require(try session.reply(to: Message(.getStatus)))
    #expect(try reply.number() == 0xf)
  }

  @Test("SET_STATUS with 0 comes before GET_VRING_BASE from QEMU, and loses no position")
  func statusZero() throws {
    var session = try Bench.running()
    #expect(try session.take(Bench.number(.setStatus, 0)) == .statusChanged(0))
    #expect(try session.take(Bench.state(.getVringBase, 0, 0)) == .queueStopped(0))
    #expect(session.queues[0].base == 7)
  }

  @Test("SET_STATUS with more than a byte is refused")
  func wideStatus() throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.statusValue(256)) {
      try session.take(Bench.number(.setStatus, 256))
    }
  }

  @Test("GET_STATUS without its protocol feature is refused")
  func statusNotNegotiated() {
    var session = Bench.fresh()
    #expect(throws: SessionFault.notNegotiated(.getStatus)) {
      try session.take(Message(.getStatus))
    }
  }

  @Test("RESET_DEVICE stops all queues and clears the status")
  func resetDevice() throws {
    var session = try Bench.running()
    try session.take(Bench.number(.setStatus, 0xf))
    #expect(try session.take(Message(.resetDevice)) == .reset)
    #expect(session.status == 0)
    #expect(session.queues[0].addresses == nil)
    #expect(session.queues[0].call == .descriptor)
    #expect(session.regions.count == 1)
    #expect(session.hasBackendChannel)
  }

  @Test("RESET_DEVICE without its protocol feature is refused")
  func resetNotNegotiated() {
    var session = Bench.fresh()
    #expect(throws: SessionFault.notNegotiated(.resetDevice)) {
      try session.take(Message(.resetDevice))
    }
  }

  @Test("RESET_DEVICE with a payload is refused")
  func resetWithPayload() throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.payloadSize(34, 8)) {
      try session.take(Bench.number(.resetDevice, 0))
    }
  }

  @Test(
    "What is not implemented is refused by its name",
    arguments: [
      .setLogBase, .setLogDescriptor, .sendRARP, .setMTU, .iotlbMessage, .setVringEndian,
      .createCryptoSession, .closeCryptoSession, .postcopyAdvise, .postcopyListen, .postcopyEnd,
      .getInflightDescriptor, .setInflightDescriptor, .setGPUSocket, .getSharedObject,
      .setDeviceStateDescriptor, .checkDeviceState, .getSharedMemoryConfiguration,
    ] as [Request])
  func unsupported(_ request: Request) throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.unsupported(request)) { try session.take(Message(request)) }
    #expect(SessionFault.unsupported(request).sentence == "\(request.name) is not supported")
  }

  @Test("A number that the specification does not have is refused", arguments: [0, 45, .max])
  func unknownRequest(_ code: UInt32) throws {
    var session = try Bench.negotiated()
    #expect(throws: SessionFault.unknownRequest(code)) {
      try session.take(Message(code: code))
    }
  }

  @Test("A reply from a front end is refused")
  func unexpectedReply() {
    var session = Bench.fresh()
    #expect(throws: SessionFault.unexpectedReply) {
      try session.take(Message(.getFeatures).reply(0))
    }
  }
}
