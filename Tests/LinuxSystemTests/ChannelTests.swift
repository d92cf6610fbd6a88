import LinuxSystem
import Testing

@Suite("Channels carry whole messages with descriptors")
struct ChannelTests {
  @Test("A message arrives whole, with a working descriptor")
  func messageArrives() throws {
    let (near, far) = try Channel.pair()
    let bell = try EventDescriptor()
    try near.send(Packet([1, 2, 3], [bell.descriptor]))
    let packet = try #require(try far.receive())
    #expect(packet.bytes == [1, 2, 3])
    EventDescriptor(try #require(packet.descriptors.first)).ring()
    #expect(bell.clear())
  }

  @Test("Receiving from an empty channel answers EAGAIN and does not wait")
  func emptyChannel() throws {
    let (near, _far) = try Channel.pair()
    #expect(throws: Errno.again) { try near.receive() }
    _ = _far
  }

  @Test("A message over the limit is refused with EMSGSIZE")
  func tooLong() throws {
    let (near, _far) = try Channel.pair()
    let packet = Packet([UInt8](repeating: 0, count: Packet.byteCountMax + 1))
    #expect(throws: Errno.messageTooLong) { try near.send(packet) }
    _ = _far
  }

  @Test("The end of the other side is nil, not an error")
  func otherEndGone() throws {
    let near = try Channel.pair().0
    #expect(try near.receive() == nil)
  }
}
