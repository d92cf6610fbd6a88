import Testing
import VhostUser

@Suite("Section \"VHOST_USER_PROTOCOL_F_REPLY_ACK\"")
struct ReplyTests {
  @Test("An order with need_reply is acknowledged with 0")
  func acknowledged() throws {
    let session = try Bench.negotiated()
    let message = Message(.setOwner, needsReply: true)
    #expect(try session.reply(to: message)?.number() == 0)
  }

  @Test("SET_PROTOCOL_FEATURES that negotiates REPLY_ACK is acknowledged itself")
  func acknowledgedByItself() throws {
    var session = Bench.fresh()
    let message = Bench.number(.setProtocolFeatures, 8, needsReply: true)
    try session.take(message)
    #expect(try session.reply(to: message)?.number() == 0)
  }

  @Test("An order without need_reply is not answered")
  func notAsked() throws {
    #expect(try Bench.negotiated().reply(to: Message(.setOwner)) == nil)
  }

  @Test("need_reply without the protocol feature is not answered")
  func notNegotiated() throws {
    #expect(try Bench.fresh().reply(to: Message(.setOwner, needsReply: true)) == nil)
  }

  @Test("need_reply on a question changes nothing: it has its one reply")
  func questionWithNeedReply() throws {
    let session = try Bench.negotiated()
    let reply = try session.reply(to: Message(.getQueueCount, needsReply: true))
    #expect(try reply?.number() == 2)
  }

  @Test("A refused order with need_reply is answered with 1 and the connection goes on")
  func refusedOrder() throws {
    let session = try Bench.negotiated()
    let message = Bench.state(.setVringSize, 0, 3, needsReply: true)
    #expect(try session.refusal(of: message, for: .queueSize(3))?.number() == 1)
  }

  @Test("An unknown number with need_reply is answered with 1")
  func refusedUnknown() throws {
    let session = try Bench.negotiated()
    let message = Message(code: 99, flags: [.version1, .needsReply])
    #expect(try session.refusal(of: message, for: .unknownRequest(99))?.number() == 1)
  }

  @Test("A refused order without need_reply closes the connection")
  func refusedSilently() throws {
    let session = try Bench.negotiated()
    let message = Bench.state(.setVringSize, 0, 3)
    #expect(session.refusal(of: message, for: .queueSize(3)) == nil)
  }

  @Test("A refused question closes the connection, for its reply has no word for no")
  func refusedQuestion() throws {
    let session = try Bench.negotiated()
    let message = Bench.state(.getVringBase, 9, 0, needsReply: true)
    #expect(session.refusal(of: message, for: .unknownQueue(9)) == nil)
  }

  @Test("An order that could not be carried out is answered with 1")
  func failedOrder() throws {
    let session = try Bench.negotiated()
    let message = Message(.setMemoryTable, needsReply: true)
    #expect(try session.reply(to: message, .refused)?.number() == 1)
  }

  @Test("An order that could not be carried out closes the connection when nobody asked")
  func failedSilently() throws {
    let session = try Bench.negotiated()
    #expect(throws: SessionFault.refused(.setMemoryTable)) {
      try session.reply(to: Message(.setMemoryTable), .refused)
    }
  }

  @Test("Faults of the stream close the connection even when a reply was asked for")
  func brokenStream() throws {
    let session = try Bench.negotiated()
    let message = Message(.setOwner, needsReply: true)
    #expect(session.refusal(of: message, for: .version(2)) == nil)
  }
}
