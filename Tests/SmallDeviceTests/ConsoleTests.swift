import Devices
import Engine
import LinuxSystem
import SharedMemory
import Testing
import Virtio

@Suite("Consoles")
struct ConsoleTests {
  private func lab(
    _ descriptor: Descriptor, _ values: [String: String] = ["backend": "socket"]
  ) throws -> Lab {
    try Lab(queueCount: 2, values: values, descriptors: [descriptor]) {
      try ConsoleModel($0)
    }
  }

  /// A console whose other end is ours.
  private func connected() throws -> (Lab, Descriptor) {
    let (near, far) = try makeStreamPair()
    return (try lab(near), far)
  }

  private func text(_ text: String, in lab: Lab) -> [Segment] {
    [lab.memory.source(Array(text.utf8))]
  }

  @Test("What the guest prints comes out, in order and over all buffers")
  func prints() throws {
    let (lab, far) = try connected()
    let chains = [text("Hello, ", in: lab) + text("wor", in: lab), text("ld\n", in: lab)]
    #expect(try lab.offer(chains, to: 1).map(\.written) == [0, 0])
    #expect(try read(far, upTo: 100) == Array("Hello, world\n".utf8))
    #expect(lab.counter(ConsoleCounter.transmittedBytes.rawValue) == 13)
    #expect(lab.counter(ConsoleCounter.dropped.rawValue) == 0)
  }

  @Test("What is typed wakes the queue and fills the guest's buffers")
  func types() throws {
    let (lab, far) = try connected()
    let (first, second) = (lab.memory.target(4), lab.memory.target(64))
    #expect(try lab.offer([[first], [second]], to: 0).isEmpty)
    #expect(lab.progress == .idle)
    try write(Array("typed".utf8), to: far)
    #expect(try lab.host.awaitWake(of: 0))
    #expect(try lab.serve(0).map(\.written) == [4, 1])
    #expect(lab.memory.content(of: first) == Array("type".utf8))
    #expect(lab.counter(ConsoleCounter.receivedBytes.rawValue) == 5)
  }

  @Test("Input that no buffer is there for waits for the driver's kick and wakes nobody")
  func noBuffers() throws {
    let (lab, far) = try connected()
    try lab.serve(0)
    try write([1, 2, 3], to: far)
    #expect(try lab.host.awaitWake(of: 0))
    try lab.serve(0)
    #expect(lab.progress == .drained)
    try write([4], to: far)
    try lab.host.settle()
    #expect(try !lab.host.awaitWake(of: 0, turns: 1))
    #expect(try lab.offer([[lab.memory.target(3)], [lab.memory.target(3)]], to: 0).count == 2)
  }

  @Test("Output that nobody reads holds the guest up never: the oldest is dropped and counted")
  func nobodyReads() throws {
    let (lab, far) = try connected()
    let page = lab.memory.source([UInt8](repeating: 0x61, count: 65536))
    let newest = lab.memory.source([UInt8](repeating: 0x7a, count: 65536))
    for _ in 0..<20 { #expect(try lab.offer([[page]], to: 1).count == 1) }
    #expect(try lab.offer([[newest]], to: 1).count == 1)
    let dropped = lab.counter(ConsoleCounter.dropped.rawValue)
    #expect(dropped > 0)
    var last: [UInt8] = []
    var count: UInt64 = 0
    while let part = try? read(far, upTo: 65536), !part.isEmpty {
      last = part
      count += UInt64(part.count)
      try lab.host.settle()
    }
    #expect(last.last == 0x7a)
    #expect(count + dropped == 21 * 65536)
  }

  @Test("Nothing is watched for writing once all is out")
  func settles() throws {
    let (lab, far) = try connected()
    try lab.offer([text("x", in: lab)], to: 1)
    _ = try read(far, upTo: 1)
    try lab.host.settle()
    #expect(try !lab.host.awaitWake(of: 1, turns: 1))
  }

  @Test("A peer that leaves fails the host side once, and the guest prints on")
  func leaves() throws {
    let (near, far) = try makeStreamPair()
    let lab = try lab(near)
    disconnect(far)
    try lab.host.settle()
    #expect(lab.host.failure == "the other end of the console's host side is gone")
    #expect(try lab.offer([text("lost", in: lab)], to: 1).count == 1)
    #expect(lab.counter(ConsoleCounter.dropped.rawValue) == 4)
  }

  @Test("A file gets the output added, and has no input")
  func file() throws {
    let path = "/dev/shm/vbusfs-console-\(monotonicNanoseconds())"
    try write(Array("before\n".utf8), toFile: path)
    defer { try? unlink(path) }
    let lab = try lab(open(path, [.writeOnly, .append]), ["backend": "file"])
    try lab.offer([text("after\n", in: lab)], to: 1)
    #expect(try lab.offer([[lab.memory.target(16)]], to: 0).isEmpty)
    #expect(lab.progress == .idle)
    #expect(try readFile(path) == Array("before\nafter\n".utf8))
  }

  @Test("A terminal passes every byte as it is, and lasts when its reader leaves")
  func terminal() throws {
    let (master, terminal) = try openTerminal()
    let name = try terminalName(master)
    let lab = try lab(master, ["backend": "pty"])
    var reader: Descriptor? = try open(name, [.readWrite, .nonblocking])
    try lab.offer([text("a\nb\u{3}", in: lab)], to: 1)
    #expect(try reader.map { try read($0, upTo: 100) } == Array("a\nb\u{3}".utf8))
    reader = nil
    try lab.host.settle()
    #expect(lab.host.failure == nil)
    let second = try open(name, [.readWrite, .nonblocking])
    try write(Array("ls\n".utf8), to: second)
    let target = lab.memory.target(16)
    #expect(try lab.offer([[target]], to: 0).map(\.written) == [3])
    #expect(terminal.number >= 0)
  }

  @Test("The guest is told columns and rows, also new ones")
  func size() throws {
    let (lab, _) = try connected()
    #expect(lab.model?.configuration == [80, 0, 25, 0, 1, 0, 0, 0, 0, 0, 0, 0])
    try lab.model?.update(["columns": "300", "rows": "50"], [])
    #expect(lab.model?.configuration.prefix(4) == [0x2c, 1, 50, 0])
  }

  @Test("Sizes that make no sense are refused, and the old ones stay")
  func noSize() throws {
    let (lab, _) = try connected()
    #expect(throws: ModelRefusal.self) { try lab.model?.update(["columns": "70000"], []) }
    #expect(lab.model?.configuration.first == 80)
  }

  @Test("The guest cannot write to the configuration space")
  func readOnly() throws {
    let (lab, _) = try connected()
    #expect(lab.model?.writeConfiguration(at: 0, [1]) == false)
  }

  @Test("A console without its host side is refused")
  func nothing() {
    #expect(throws: ModelRefusal.self) {
      try Lab(queueCount: 2, values: [:]) { try ConsoleModel($0) }
    }
  }

  @Test("Output outside of the guest's memory stops the queue", arguments: [0x10, UInt64.max - 8])
  func outside(address: UInt64) throws {
    let (lab, _) = try connected()
    let nowhere = Segment(address: GuestAddress(address), count: 64, isWritable: false)
    #expect(throws: RingFault.self) { try lab.offer([[nowhere]], to: 1) }
  }

  @Test("An endless chain is taken in part, and the rest counts as dropped")
  func endless() throws {
    let (lab, far) = try connected()
    let page = lab.memory.source([UInt8](repeating: 0x61, count: 65536))
    #expect(try lab.offer([[page, page, page]], to: 1).count == 1)
    #expect(lab.counter(ConsoleCounter.dropped.rawValue) >= 2 * 65536)
    #expect(try !read(far, upTo: 1).isEmpty)
  }

  @Test("The class's counters are the model's")
  func counters() {
    #expect(ConsoleCounter.allCases.map(\.name) == consoleClass.counters.map(\.name))
  }

  @Test("The class offers what the model can")
  func features() throws {
    #expect(try connected().0.model?.features == consoleClass.offerable([:]))
  }
}
