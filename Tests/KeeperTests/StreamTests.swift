import Keeper
import KeeperLab
import LinuxSystem
import Testing

@Suite("Connections that the keeper accepts and speaks through")
struct StreamTests {
  let lab: KeeperLab
  let control: PlayedProgram
  let path: String
  let listener: Descriptor

  init() throws {
    lab = try KeeperLab()
    control = try lab.program()
    path = lab.folder + "/socket"
    listener = try listen(
      at: path, permissions: 0o600, uid: effectiveUser(), gid: effectiveGroup())
  }

  @Test("A waiting connection is accepted by the keeper and handed out")
  func accepts() throws {
    let peer = try connect(to: path)
    let connection = try #require(try control.keeper.accept(from: listener, as: "link"))
    try sendBytes([1], through: connection)
    #expect(try read(peer, upTo: 8) == [1])
  }

  @Test("An accepted connection outlives the program that had it accepted")
  func acceptedSurvives() throws {
    let peer = try connect(to: path)
    _ = try control.keeper.accept(from: listener, as: "link")
    try control.kill()
    let item = try #require(try lab.program().keeper.take("link").first)
    try sendBytes([2], through: item.descriptor)
    #expect(try read(peer, upTo: 8) == [2])
  }

  @Test("Nothing is accepted when nobody waits")
  func nobodyWaits() throws {
    #expect(try control.keeper.accept(from: listener, as: "link") == nil)
    #expect(try control.keeper.take("link").isEmpty)
  }

  @Test("A listener that would block does not stop the keeper")
  func blockingListener() throws {
    try listener.setNonblocking(false)
    #expect(try control.keeper.accept(from: listener, as: "link") == nil)
  }

  @Test("Nothing is accepted from what is no listener")
  func noListener() throws {
    let file = try makeMemoryFile("file", byteCount: 4096)
    #expect(try control.keeper.accept(from: file, as: "link") == nil)
  }

  @Test("What is said arrives once for each number, however often it is said")
  func saidOnce() throws {
    for _ in 0..<3 { try control.keeper.say([0x61], number: 1, through: "first") }
    try control.keeper.say([0x62], number: 2, through: "first")
    _ = try control.keeper.take("first")
    #expect(try read(lab.first, upTo: 8) == [0x61, 0x62])
  }

  @Test("A number below the last one is not said")
  func saidTooLate() throws {
    try control.keeper.say([0x61], number: 5, through: "first")
    try control.keeper.say([0x62], number: 4, through: "first")
    _ = try control.keeper.take("first")
    #expect(try read(lab.first, upTo: 8) == [0x61])
  }

  @Test("A successor is told the number said last, and says nothing twice")
  func lastSaid() throws {
    try control.keeper.say([0x61], number: 9, through: "first")
    try control.kill()
    let next = try lab.program()
    #expect(try next.keeper.take("first").map(\.lastSaid) == [9])
    try next.keeper.say([0x61], number: 9, through: "first")
    _ = try next.keeper.take("first")
    #expect(try read(lab.first, upTo: 8) == [0x61])
  }

  @Test("Another connection of the same name counts from the beginning")
  func countsAnew() throws {
    try control.keeper.say([0x61], number: 9, through: "first")
    let (near, far) = try makeStreamPair()
    try control.keeper.put(far, as: "first")
    try control.keeper.say([0x62], number: 1, through: "first")
    _ = try control.keeper.take("first")
    #expect(try read(near, upTo: 8) == [0x62])
  }

  @Test("Speaking to a peer that has gone does the keeper no harm")
  func peerGone() throws {
    let (near, far) = try makeStreamPair()
    try control.keeper.put(far, as: "gone")
    disconnect(near)
    try control.keeper.say([0x61], number: 1, through: "gone")
    #expect(try control.keeper.take("gone").count == 1)
  }

  @Test("A peer that never reads is disconnected")
  func peerDeaf() throws {
    for number in 1...100 {
      try control.keeper.say(
        [UInt8](repeating: 0, count: 60_000), number: UInt64(number), through: "first")
    }
    _ = try control.keeper.take("first")
    #expect(hasEnded(lab.first))
  }

  @Test("Nothing is said through a name that is not kept")
  func unknownName() throws {
    try control.keeper.say([0x61], number: 1, through: "nobody")
    #expect(try control.keeper.take("nobody").isEmpty)
  }
}
