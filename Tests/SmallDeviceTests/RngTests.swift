import Devices
import Engine
import SharedMemory
import Testing
import Virtio

@Suite("Random bytes")
struct RngTests {
  private func lab(_ rate: String = "0") throws -> Lab {
    try Lab(queueCount: 1, values: ["limits/bytes_per_second": rate]) { try RngModel($0) }
  }

  @Test("A request is filled, over all its buffers")
  func fills() throws {
    let lab = try lab()
    let (first, second) = (lab.memory.target(64), lab.memory.target(64))
    #expect(try lab.offer([[first, second]], to: 0).map(\.written) == [128])
    #expect(lab.memory.content(of: first) != [UInt8](repeating: 0xee, count: 64))
    #expect(lab.memory.content(of: second) != [UInt8](repeating: 0xee, count: 64))
    #expect(lab.memory.content(of: first) != lab.memory.content(of: second))
    #expect(lab.counter(RngCounter.bytes.rawValue) == 128)
    #expect(lab.counter(RngCounter.requests.rawValue) == 1)
  }

  @Test("A large request gets a part")
  func large() throws {
    let lab = try lab()
    #expect(try lab.offer([[lab.memory.target(10_000)]], to: 0).map(\.written) == [4096])
  }

  @Test("What has no room goes back unused, and is no fault")
  func noRoom() throws {
    let lab = try lab()
    #expect(try lab.offer([[lab.memory.source([1, 2, 3])]], to: 0).map(\.written) == [0])
    #expect(lab.counter(RngCounter.bytes.rawValue) == 0)
  }

  @Test("A buffer outside of the guest's memory stops the queue")
  func outside() throws {
    let lab = try lab()
    let nowhere = Segment(address: GuestAddress(0x10), count: 64, isWritable: true)
    #expect(throws: RingFault.self) { try lab.offer([[nowhere]], to: 0) }
  }

  @Test("What a used up rate leaves over waits without kicks, and is served when time has passed")
  func limited() throws {
    let lab = try lab("1000")
    let chains = (0..<4).map { _ in [lab.memory.target(64)] }
    #expect(try lab.offer(chains, to: 0).map(\.written) == [64])
    #expect(lab.progress == .idle)
    #expect(try lab.host.awaitWake(of: 0))
    #expect(try lab.serve(0).map(\.written) == [64])
  }

  @Test("A rate below the request's size gives what it has")
  func small() throws {
    let lab = try lab("100")
    #expect(try lab.offer([[lab.memory.target(64)]], to: 0).map(\.written) == [10])
  }

  @Test("A limit that goes is gone at once")
  func lifted() throws {
    let lab = try lab("1")
    let chains = (0..<3).map { _ in [lab.memory.target(64)] }
    #expect(try lab.offer(chains, to: 0).map(\.written) == [1])
    try lab.model?.update(["limits/bytes_per_second": "0"], [])
    #expect(try lab.host.awaitWake(of: 0))
    #expect(try lab.serve(0).map(\.written) == [64, 64])
  }

  @Test("A limit that comes holds at once")
  func lowered() throws {
    let lab = try lab()
    try lab.model?.update(["limits/bytes_per_second": "640"], [])
    let chains = (0..<2).map { _ in [lab.memory.target(64)] }
    #expect(try lab.offer(chains, to: 0).count < 2)
  }

  @Test("A rate that is no number is refused, and the old one stays")
  func refused() throws {
    let lab = try lab("0")
    #expect(throws: ModelRefusal.self) {
      try lab.model?.update(["limits/bytes_per_second": "-1"], [])
    }
    #expect(try lab.offer([[lab.memory.target(64)]], to: 0).map(\.written) == [64])
    #expect(throws: ModelRefusal.self) { _ = try self.lab("x") }
  }

  @Test("The class's counters are the model's")
  func counters() {
    #expect(RngCounter.allCases.map(\.name) == rngClass.counters.map(\.name))
  }

  @Test("The class offers what the model can")
  func features() throws {
    #expect(try lab().model?.features == rngClass.offerable([:]))
  }
}
