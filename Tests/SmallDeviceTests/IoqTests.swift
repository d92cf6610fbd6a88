import Devices
import Engine
import LinuxSystem
import SharedMemory
import Testing
import Vbus
import Virtio

@Suite("Random bytes and consoles over an ioq")
struct IoqTests {
  private func rng(_ rate: String = "0") throws -> IoqLab {
    try IoqLab(queue: 0, values: ["limits/bytes_per_second": rate]) { try RngModel($0) }
  }

  /// A queue of a console whose other end is ours.
  private func console(queue index: Int) throws -> (IoqLab, Descriptor) {
    let (near, far) = try makeStreamPair()
    let lab = try IoqLab(queue: index, values: ["backend": "socket"], descriptors: [near]) {
      try ConsoleModel($0)
    }
    return (lab, far)
  }

  // MARK: Random bytes

  @Test("Buffers are filled with random bytes, each by itself")
  func fills() throws {
    let lab = try rng()
    let (first, second) = (lab.memory.target(64), lab.memory.target(64))
    #expect(try lab.offer([first, second]) == [64, 64])
    #expect(lab.memory.content(of: first) != lab.memory.content(of: second))
    #expect(lab.memory.content(of: second) != [UInt8](repeating: 0xee, count: 64))
    #expect(lab.counter(RngCounter.bytes.rawValue) == 128)
  }

  @Test("What a used up rate leaves over waits, and is served when time has passed")
  func limited() throws {
    let lab = try rng("1000")
    #expect(try lab.offer((0..<3).map { _ in lab.memory.target(64) }) == [64])
    #expect(lab.progress == .idle)
    #expect(try lab.host.awaitWake(of: 0))
    #expect(try lab.serve() == [64])
  }

  @Test("A buffer outside of the guest's memory stops the queue")
  func outside() throws {
    let lab = try rng()
    let nowhere = Segment(address: GuestAddress(0x10), count: 64, isWritable: true)
    #expect(throws: RingFault.self) { try lab.offer([nowhere]) }
  }

  @Test("An empty buffer goes back empty, and is no fault")
  func empty() throws {
    let lab = try rng()
    let nothing = Segment(address: GuestAddress(0x10), count: 0, isWritable: true)
    #expect(try lab.offer([nothing, lab.memory.target(8)]) == [0, 8])
  }

  // MARK: Consoles

  @Test("What the guest prints comes out in order")
  func prints() throws {
    let (lab, far) = try console(queue: 1)
    let texts = ["Hello, ", "world\n"].map { lab.memory.source(Array($0.utf8)) }
    #expect(try lab.offer(texts) == [0, 0])
    #expect(try read(far, upTo: 100) == Array("Hello, world\n".utf8))
  }

  @Test("What is typed wakes the queue and fills the guest's buffers")
  func types() throws {
    let (lab, far) = try console(queue: 0)
    let (first, second) = (lab.memory.target(4), lab.memory.target(64))
    #expect(try lab.offer([first, second]).isEmpty)
    try write(Array("typed".utf8), to: far)
    #expect(try lab.host.awaitWake(of: 0))
    #expect(try lab.serve() == [4, 1])
    #expect(lab.memory.content(of: first) == Array("type".utf8))
  }

  @Test("Input without a buffer waits for one")
  func waits() throws {
    let (lab, far) = try console(queue: 0)
    try lab.serve()
    try write([1, 2, 3], to: far)
    #expect(try lab.host.awaitWake(of: 0))
    #expect(try lab.serve().isEmpty)
    #expect(lab.progress == .drained)
    #expect(try lab.offer([lab.memory.target(8)]) == [3])
  }

  @Test("A printed buffer outside of the guest's memory stops the queue")
  func printsOutside() throws {
    let (lab, _) = try console(queue: 1)
    let nowhere = Segment(address: GuestAddress(0x10), count: 64, isWritable: false)
    #expect(throws: RingFault.self) { try lab.offer([nowhere]) }
  }

  // MARK: Ways

  @Test("Each queue has a way, and no other has")
  func flows() throws {
    let (lab, _) = try console(queue: 0)
    #expect((0..<3).map { lab.model.flow(ofQueue: $0) } == [.fromDevice, .toDevice, nil])
    let rng = try rng().model
    #expect((0..<2).map { rng.flow(ofQueue: $0) } == [.fromDevice, nil])
  }

  @Test("Neither has functions of its own: ENOTTY")
  func noFunctions() throws {
    let (lab, _) = try console(queue: 0)
    var data: [UInt8] = []
    #expect(throws: Errno.notTerminal) { try lab.model.call(0, &data) }
    #expect(throws: Errno.notTerminal) { try rng().model.call(0, &data) }
  }
}
