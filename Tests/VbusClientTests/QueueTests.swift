import Testing
import VbusClient

@Suite("A queue", .timeLimit(.minutes(1)))
struct QueueTests {
  private func queue(_ shape: QueueShape) throws -> (Host, ClientMemory, ClientQueue) {
    let host = try Host()
    let client = try client(host)
    let memory = try client.makeMemory(byteCount: 1 << 18)
    let queue = try client.open(0).makeQueue(0, shape, in: memory)
    return (host, memory, queue)
  }

  @Test(
    "Of a size that no ring has is refused",
    arguments: [
      QueueShape.ioq(0, .toDevice), .ioq(2049, .toDevice), .ioq(-1, .toDevice), .virtqueue(3),
      .virtqueue(0), .virtqueue(65536),
    ])
  func size(_ shape: QueueShape) {
    #expect(throws: BusError.refused(.invalid)) { try queue(shape) }
  }

  @Test("That the memory has no room for is refused")
  func noRoom() {
    #expect(throws: BusError.noRoom) { try queue(.virtqueue(32768)) }
  }

  @Test("That is shared already is refused, and takes no memory")
  func twice() throws {
    let host = try Host()
    let client = try client(host)
    let memory = try client.makeMemory(byteCount: 8192)
    let device = try client.open(0)
    _ = try device.makeQueue(0, .ioq(100, .toDevice), in: memory)
    for _ in 0..<10 {
      #expect(throws: BusError.refused(.exists)) {
        try device.makeQueue(0, .ioq(100, .toDevice), in: memory)
      }
    }
    #expect(memory.allocate(4096) != nil)
  }

  @Test("An ioq takes no chain, and no buffer that goes the other way")
  func wrongChain() throws {
    let (host, memory, queue) = try queue(.ioq(4, .toDevice))
    let buffer = try #require(memory.allocate(64))
    let (out, back) = (buffer.segment(isWritable: false), buffer.segment(isWritable: true))
    #expect(throws: BusError.refused(.invalid)) { try queue.post([out, out], cookie: 0) }
    #expect(throws: BusError.refused(.invalid)) { try queue.post(back, cookie: 0) }
    withExtendedLifetime(host) {}
  }

  @Test("A virtqueue takes no chain in the wrong order, of none, or longer than itself")
  func wrongOrder() throws {
    let (host, memory, queue) = try queue(.virtqueue(4))
    let buffer = try #require(memory.allocate(64))
    let (out, back) = (buffer.segment(isWritable: false), buffer.segment(isWritable: true))
    for chain in [[back, out], [], Array(repeating: out, count: 5)] {
      #expect(throws: BusError.refused(.invalid)) { try queue.post(chain, cookie: 0) }
    }
    withExtendedLifetime(host) {}
  }

  @Test(
    "That is full takes no more", arguments: [QueueShape.ioq(4, .toDevice), .virtqueue(4)])
  func full(_ shape: QueueShape) throws {
    let (host, memory, queue) = try queue(shape)
    let buffer = try #require(memory.allocate(64))
    let posted = try (0..<5).map {
      try queue.post(buffer.segment(isWritable: false), cookie: $0)
    }
    #expect(posted == [true, true, true, true, false])
    #expect(queue.room == 0)
    withExtendedLifetime(host) {}
  }

  @Test("With nothing to reap, waiting ends in time")
  func wait() throws {
    let (host, _, queue) = try queue(.ioq(4, .toDevice))
    #expect(try !queue.wait(milliseconds: 20))
    #expect(try queue.reap() == nil)
    withExtendedLifetime(host) {}
  }
}

@Suite("A client's memory")
struct MemoryTests {
  private func memory(_ byteCount: Int = 4096) throws -> ClientMemory {
    ClientMemory(try BusMemory(at: 1 << 32, byteCount: byteCount))
  }

  @Test("Buffers do not overlap, and begin where they have to")
  func apart() throws {
    let memory = try memory()
    let buffers = [1, 100, 16, 33].compactMap { memory.allocate($0, alignment: 64) }
    let ends = buffers.map { $0.offset + $0.byteCount }
    #expect(buffers.map { $0.offset % 64 } == [0, 0, 0, 0])
    #expect(zip(ends, buffers.dropFirst()).allSatisfy { $0 <= $1.offset })
  }

  @Test("What is given back can be taken again, all in one")
  func again() throws {
    let memory = try memory()
    let buffers = (0..<256).compactMap { _ in memory.allocate(16) }
    let isFull = memory.allocate(1) == nil
    for buffer in buffers.shuffled() { memory.deallocate(buffer) }
    #expect(buffers.count == 256)
    #expect(isFull)
    #expect(memory.allocate(4096) != nil)
  }

  @Test("What there is no room for is nil", arguments: [0, -1, 4097, Int.max])
  func none(_ byteCount: Int) throws {
    #expect(try memory().allocate(byteCount) == nil)
  }

  @Test("An alignment that is none is nil", arguments: [0, -16, 24, Int.max, 8192])
  func alignment(_ alignment: Int) throws {
    #expect(try memory().allocate(16, alignment: alignment) == nil)
  }

  @Test("Nothing is given back twice, nor what was never taken")
  func twice() throws {
    let (memory, other) = (try memory(), try memory(8192))
    let buffer = try #require(memory.allocate(64))
    let foreign = try #require(other.allocate(128))
    let answers = [
      memory.deallocate(foreign), memory.deallocate(buffer), memory.deallocate(buffer),
    ]
    #expect(answers == [false, true, false])
  }

  @Test("A buffer holds what was written to it, and nothing longer than itself")
  func bytes() throws {
    let memory = try memory()
    let buffer = try #require(memory.allocate(4))
    let answers = [memory.set([1, 2, 3, 4], in: buffer), memory.set([0, 0, 0, 0, 0], in: buffer)]
    #expect(answers == [true, false])
    #expect(memory.bytes(of: buffer) == [1, 2, 3, 4])
    #expect(memory.bytes(of: buffer, count: 9) == [1, 2, 3, 4])
  }

  @Test("A buffer that was given back is empty")
  func gone() throws {
    let memory = try memory()
    let buffer = try #require(memory.allocate(4))
    memory.deallocate(buffer)
    #expect(memory.bytes(of: buffer) == [])
    #expect(!memory.set([1], in: buffer))
  }
}
