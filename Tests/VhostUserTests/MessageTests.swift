import Testing
import VhostUser

@Suite("Messages, section \"Message Specification\"")
struct MessageTests {
  @Test("SET_FEATURES is request 2, version 1, eight bytes, the word")
  func goldenRequest() {
    let message = Bench.number(.setFeatures, 0x0102_0304_0506_0708)
    #expect(
      message.bytes == [2, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1])
  }

  @Test("need_reply is bit 3 of the flags")
  func goldenNeedReply() {
    let message = Message(.setOwner, needsReply: true)
    #expect(message.bytes == [3, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0])
  }

  @Test("A reply has the request's number, version 1 and the reply flag, and no need_reply")
  func goldenReply() {
    let reply = Message(.getFeatures, needsReply: true).reply(1)
    #expect(reply.bytes == [1, 0, 0, 0, 5, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
  }

  @Test("BACKEND_CONFIG_CHANGE_MSG is request 2 of the back end, without payload")
  func goldenConfigurationChanged() {
    #expect(
      Message.configurationChanged().bytes == [2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
  }

  @Test("BACKEND_VRING_CALL is request 4 with need_reply, the queue and a zero")
  func goldenCall() {
    #expect(
      Message.call(queue: 3).bytes == [
        4, 0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0,
      ])
  }

  @Test("BACKEND_VRING_ERR is request 5")
  func goldenFailure() {
    #expect(Message.failure(queue: 1, needsReply: false).bytes.prefix(5) == [5, 0, 0, 0, 1])
  }

  @Test("A message is parsed back from its bytes")
  func roundTrip() throws {
    let message = Bench.table([Bench.place(0, 0x1000)])
    #expect(try Message(parsing: message.bytes) == message)
  }

  @Test("Unknown flag bits above 3 are ignored")
  func unknownFlags() throws {
    let header = try MessageHeader([1, 0, 0, 0, 0xf1, 0xff, 0, 0, 0, 0, 0, 0])
    #expect(header.payloadByteCount == 0)
  }

  @Test(
    "Every version but 1 is refused", arguments: [0, 2, 3] as [UInt8])
  func otherVersion(_ version: UInt8) {
    #expect(throws: SessionFault.version(UInt32(version))) {
      try MessageHeader([1, 0, 0, 0, version, 0, 0, 0, 0, 0, 0, 0])
    }
  }

  @Test("A payload of 4096 bytes is the longest")
  func longestPayload() throws {
    let header = try MessageHeader([1, 0, 0, 0, 1, 0, 0, 0, 0, 0x10, 0, 0])
    #expect(header.messageByteCount == 12 + 4096)
  }

  @Test("A payload of 4097 bytes is refused before it is read")
  func oversizedPayload() {
    #expect(throws: SessionFault.payloadTooLong(4097)) {
      try MessageHeader([1, 0, 0, 0, 1, 0, 0, 0, 1, 0x10, 0, 0])
    }
  }

  @Test("A payload of 4 GiB less one byte is refused")
  func hugePayload() {
    #expect(throws: SessionFault.payloadTooLong(.max)) {
      try MessageHeader([1, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff])
    }
  }

  @Test("Eleven bytes are no header")
  func truncatedHeader() {
    #expect(throws: SessionFault.truncatedHeader) {
      try MessageHeader([UInt8](repeating: 0, count: 11))
    }
  }

  @Test("Bytes that are more than the header announces are refused")
  func surplusBytes() {
    #expect(throws: SessionFault.payloadSize(3, 1)) {
      try Message(parsing: Message(.setOwner).bytes + [0])
    }
  }

  @Test(
    "The requests have the numbers of the specification",
    arguments: [
      (Request.getFeatures, 1), (.setMemoryTable, 5), (.setVringError, 14),
      (.getProtocolFeatures, 15), (.getQueueCount, 17), (.setBackendChannel, 21),
      (.getConfiguration, 24), (.getInflightDescriptor, 31), (.resetDevice, 34), (.vringKick, 35),
      (.getMemorySlotsMax, 36), (.removeMemoryRegion, 38), (.setStatus, 39), (.getStatus, 40),
      (.checkDeviceState, 43),
    ] as [(Request, UInt32)])
  func requestNumbers(_ request: Request, _ number: UInt32) {
    #expect(request.rawValue == number)
  }

  @Test("Every request is called by a name of its own")
  func requestNames() {
    let names = Set(Request.allCases.map(\.name))
    #expect(names.count == Request.allCases.count)
    #expect(names.allSatisfy { !$0.contains("REQUEST_") })
  }
}
