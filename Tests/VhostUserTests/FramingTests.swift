import LinuxSystem
import Testing
import VhostUser

@Suite("Messages are looked at in the socket before they are taken")
struct FramingTests {
  let near: Descriptor
  let far: Descriptor

  init() throws { (near, far) = try makeStreamPair() }

  @Test("Nothing in the socket is no message yet")
  func nothing() throws {
    #expect(try peekMessage(on: near).kind == .incomplete)
  }

  @Test("A whole message is shown, and shown again until it is taken")
  func shownTwice() throws {
    let message = Bench.number(.setFeatures, 7)
    try send(message, on: far)
    #expect(try peekMessage(on: near).shown == message)
    #expect(try peekMessage(on: near).shown == message)
    try consume(message, from: near)
    #expect(try peekMessage(on: near).kind == .incomplete)
  }

  @Test("Of two messages the first is shown, then the second")
  func twoMessages() throws {
    try send(Message(.setOwner), on: far)
    try send(Bench.number(.setFeatures, 7), on: far)
    try consume(Message(.setOwner), from: near)
    #expect(try peekMessage(on: near).shown == Bench.number(.setFeatures, 7))
  }

  @Test("A message comes with a working descriptor, each time it is shown")
  func descriptor() throws {
    let bell = try EventDescriptor()
    try send(Bench.number(.setVringKick, 0), [bell.descriptor], on: far)
    _ = try peekMessage(on: near)
    let shown = try #require(try peekMessage(on: near).descriptors.first)
    EventDescriptor(shown).ring()
    #expect(bell.clear())
  }

  @Test("Descriptors of the next message are not mixed into this one")
  func barrier() throws {
    let bell = try EventDescriptor()
    try send(Message(.setOwner), on: far)
    try send(Message(.setBackendChannel), [bell.descriptor], on: far)
    #expect(try peekMessage(on: near).descriptors.isEmpty)
    try consume(Message(.setOwner), from: near)
    #expect(try peekMessage(on: near).descriptors.count == 1)
  }

  @Test("Descriptors of a message far behind are not mixed into this one")
  func distantBarrier() throws {
    let bell = try EventDescriptor()
    try send(Bench.number(.setFeatures, 7), on: far)
    try send(Bench.state(.setVringSize, 0, 1), on: far)
    try send(Message(.setBackendChannel), [bell.descriptor], on: far)
    let first = try peekMessage(on: near)
    #expect(first.shown == Bench.number(.setFeatures, 7))
    #expect(first.descriptors.isEmpty)
  }

  @Test("Descriptors of two messages stay apart")
  func twoDescriptors() throws {
    let bells = [try EventDescriptor().descriptor, try EventDescriptor().descriptor]
    try send(Bench.number(.setVringKick, 0), [bells[0]], on: far)
    try send(Bench.number(.setVringCall, 0), [bells[1]], on: far)
    EventDescriptor(try #require(try peekMessage(on: near).descriptors.first)).ring()
    #expect(EventDescriptor(bells[0]).clear())
    try consume(Bench.number(.setVringKick, 0), from: near)
    EventDescriptor(try #require(try peekMessage(on: near).descriptors.first)).ring()
    #expect(EventDescriptor(bells[1]).clear())
  }

  @Test("Descriptors that came with the header are there when the payload comes later")
  func headerFirst() throws {
    let bell = try EventDescriptor()
    let message = Bench.number(.setVringKick, 0)
    try sendBytes(Array(message.bytes.prefix(12)), [bell.descriptor], through: far)
    #expect(try peekMessage(on: near).kind == .incomplete)
    try sendBytes(Array(message.bytes.dropFirst(12)), through: far)
    let arrival = try peekMessage(on: near)
    #expect(arrival.shown == message)
    #expect(arrival.descriptors.count == 1)
    try consume(message, from: near)
    #expect(try unreadByteCount(of: near) == 0)
  }

  @Test("A message in pieces of one byte is shown with the last of them")
  func singleBytes() throws {
    let bell = try EventDescriptor()
    let message = Bench.table([Bench.place(0, 0x1000)])
    try sendBytes([message.bytes[0]], [bell.descriptor], through: far)
    for byte in message.bytes.dropFirst().dropLast() {
      try sendBytes([byte], through: far)
      #expect(try peekMessage(on: near).kind == .incomplete)
    }
    try sendBytes(Array(message.bytes.suffix(1)), through: far)
    let arrival = try peekMessage(on: near)
    #expect(arrival.shown == message)
    #expect(arrival.descriptors.count == 1)
    try consume(message, from: near)
    #expect(try unreadByteCount(of: near) == 0)
  }

  @Test("A peek offset that a dead predecessor left behind does no harm")
  func staleOffset() throws {
    try send(Message(.setOwner), on: far)
    try setPeekOffset(of: near, 5)
    #expect(try peekMessage(on: near).shown == Message(.setOwner))
  }

  @Test("A connection that closes between messages has ended")
  func ended() throws {
    disconnect(far)
    #expect(try peekMessage(on: near).kind == .ended)
  }

  @Test("A connection that closes within a header has ended")
  func endedWithinHeader() throws {
    try sendBytes([1, 0, 0], through: far)
    disconnect(far)
    #expect(try peekMessage(on: near).kind == .ended)
  }

  @Test("A connection that closes within a payload has ended")
  func endedWithinPayload() throws {
    try sendBytes(Array(Bench.number(.setFeatures, 7).bytes.dropLast()), through: far)
    disconnect(far)
    #expect(try peekMessage(on: near).kind == .ended)
  }

  @Test("The last message before the end is still shown")
  func lastMessage() throws {
    try send(Message(.setOwner), on: far)
    disconnect(far)
    #expect(try peekMessage(on: near).shown == Message(.setOwner))
  }

  @Test("A header of another version is refused")
  func version() throws {
    try sendBytes([1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0], through: far)
    #expect(throws: SessionFault.version(2)) { try peekMessage(on: near) }
  }

  @Test("A header that announces too much is refused before the payload comes")
  func tooLong() throws {
    try sendBytes([1, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff, 0, 0], through: far)
    #expect(throws: SessionFault.payloadTooLong(0xffff)) { try peekMessage(on: near) }
  }

  @Test("More descriptors than any message has are seen as too many")
  func manyDescriptors() throws {
    let bell = try EventDescriptor().descriptor
    try send(Message(.setOwner), [Descriptor](repeating: bell, count: 60), on: far)
    #expect(try peekMessage(on: near).descriptors.count == 9)
  }

  @Test("Descriptors spread over many pieces close the connection")
  func scatteredDescriptors() throws {
    let bell = try EventDescriptor().descriptor
    for byte in Message(.setOwner).bytes { try sendBytes([byte], [bell], through: far) }
    #expect(throws: SessionFault.connection(.messageTooLong)) { try peekMessage(on: near) }
  }

  @Test("Taking a message from a closed connection is refused")
  func consumeNothing() throws {
    disconnect(far)
    #expect(throws: SessionFault.ended) { try consume(Message(.setOwner), from: near) }
  }

  @Test("Sending to a closed connection fails")
  func sendToNobody() throws {
    disconnect(near)
    #expect(throws: SessionFault.connection(.brokenPipe)) {
      try send(Message(.setOwner), on: far)
    }
  }
}

extension Arrival {
  enum Kind { case message, incomplete, ended }

  var kind: Kind {
    switch self {
    case .message: .message
    case .incomplete: .incomplete
    case .ended: .ended
    }
  }

  var shown: Message? {
    guard case .message(let message, _) = self else { return nil }
    return message
  }

  var descriptors: [Descriptor] {
    guard case .message(_, let descriptors) = self else { return [] }
    return descriptors
  }
}
