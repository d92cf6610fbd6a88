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

  @Test(
    "Of more descriptors than are wanted so many come, and the others are let go",
    arguments: 0...3)
  func unwanted(_ count: Int) throws {
    let (near, far) = try Channel.pair()
    let pipe = try Self.send(through: near)
    do {
      let packet = try receiveBytes(upTo: 8, descriptorsMax: count, from: far.descriptor)
      #expect(packet.descriptors.count == count)
      for descriptor in packet.descriptors { try write([1], to: descriptor) }
    }
    if count > 0 { #expect(try read(pipe, upTo: 8).count == count) }
    #expect(wait(on: pipe, milliseconds: 10_000))
    #expect(try read(pipe, upTo: 8).isEmpty)
  }

  @Test("Of a message that was cut no descriptor stays open")
  func cut() throws {
    let (near, far) = try Channel.pair()
    let pipe = try Self.send(through: near)
    #expect(throws: Errno.messageTooLong) {
      try receiveBytes(upTo: 1, descriptorsMax: 3, from: far.descriptor)
    }
    #expect(wait(on: pipe, milliseconds: 10_000))
    #expect(try read(pipe, upTo: 8).isEmpty)
  }

  /// Sends three descriptors, the only ones of a pipe that write; the end that reads.
  private static func send(through channel: Channel) throws -> Descriptor {
    let pipe = try makePipe()
    try pipe.reading.setNonblocking(true)
    try channel.send(Packet([1, 2], [pipe.writing, pipe.writing, pipe.writing]))
    return pipe.reading
  }
}
