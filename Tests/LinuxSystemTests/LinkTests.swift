import LinuxSystem
import Testing

@Suite("A link keeps its packets until there is room")
struct LinkTests {
  @Test("A packet that can never be sent is passed over alone")
  func tooLong() throws {
    let loop = try EventLoop()
    let (near, far) = try Channel.pair()
    let link = try Link(near, on: loop, onPacket: { _ in }, onEnd: {})
    let count = fill(link)
    link.send(Packet([UInt8](repeating: 0, count: Packet.byteCountMax + 1)))
    link.send(Packet([7]))
    #expect(link.isFull)
    for _ in 0..<count { _ = try far.receive() }
    // One that had no room, and the one behind what is passed over.
    for _ in 0..<2 { try loop.turn(milliseconds: 1000) }
    #expect(try far.receive()?.bytes.count == 1000)
    #expect(try far.receive()?.bytes == [7])
    #expect(!link.isFull)
  }

  /// Sends until one packet waits for room; how many went before it.
  private func fill(_ link: Link) -> Int {
    var count = -1
    while !link.isFull {
      link.send(Packet([UInt8](repeating: 0, count: 1000)))
      count += 1
    }
    return count
  }
}
