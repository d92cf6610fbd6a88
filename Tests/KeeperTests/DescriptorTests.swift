import Keeper
import KeeperLab
import LinuxSystem
import Testing

@Suite("The keeper's descriptors")
struct DescriptorTests {
  let lab: KeeperLab
  let control: PlayedProgram

  init() throws {
    lab = try KeeperLab()
    control = try lab.program()
  }

  @Test("What the keeper was started with is there for control")
  func initial() throws {
    let items = try control.keeper.take("first")
    try sendBytes([7], through: #require(items.first).descriptor)
    #expect(try read(lab.first, upTo: 8) == [7])
  }

  @Test("A descriptor put just before SIGKILL is there for the successor")
  func survives() throws {
    let file = try makeMemoryFile("kept", byteCount: 4096)
    try control.keeper.put(file, as: "file")
    try control.kill()
    let items = try lab.program().keeper.take("file")
    #expect(try items.map { try facts(of: $0.descriptor).inode } == [facts(of: file).inode])
  }

  @Test("Two hundred descriptors put before SIGKILL are all there for the successor")
  func manySurvive() throws {
    for index in 0..<200 { try control.keeper.put(lab.first, as: "many/\(index)") }
    try control.kill()
    #expect(try lab.program().keeper.take("many").count == 200)
  }

  @Test("Several put at once are each there under its own name")
  func together() throws {
    let second = try makeMemoryFile("second", byteCount: 4096)
    try control.keeper.put([lab.first, second], as: ["a", "b/c"])
    let items = try control.keeper.take("b")
    #expect(items.map(\.name) == ["b/c"])
    #expect(try items.map { try facts(of: $0.descriptor).inode } == [facts(of: second).inode])
    #expect(try control.keeper.take("a").count == 1)
  }

  @Test("A name that comes without a descriptor keeps nothing")
  func nameAlone() throws {
    try control.keeper.put([lab.first], as: ["a", "b"])
    #expect(try control.keeper.take("").map(\.name) == ["a", "first"])
  }

  @Test("A name means itself and what is below it, and no longer name")
  func below() throws {
    for name in ["a", "a/b", "ab", "b"] { try control.keeper.put(lab.first, as: name) }
    #expect(try control.keeper.take("a").map(\.name) == ["a", "a/b"])
  }

  @Test("An empty name means everything")
  func everything() throws {
    try control.keeper.put(lab.first, as: "more")
    #expect(try control.keeper.take("").map(\.name) == ["first", "more"])
  }

  @Test("A second descriptor of a name takes the place of the first")
  func replaced() throws {
    let second = try makeMemoryFile("second", byteCount: 4096)
    try control.keeper.put(lab.first, as: "name")
    try control.keeper.put(second, as: "name")
    let items = try control.keeper.take("name")
    #expect(try items.map { try facts(of: $0.descriptor).inode } == [facts(of: second).inode])
  }

  @Test("Dropping a name lets go of what is below it")
  func dropped() throws {
    for name in ["a", "a/b", "ab"] { try control.keeper.put(lab.first, as: name) }
    try control.keeper.drop("a")
    #expect(try control.keeper.take("a").isEmpty)
    #expect(try control.keeper.take("ab").count == 1)
  }

  @Test("A dropped stream ends for its other side")
  func closes() throws {
    try control.keeper.drop("first")
    #expect(wait(on: lab.first, milliseconds: 10_000))
    #expect(hasEnded(lab.first))
  }

  @Test("A put without a descriptor is ignored")
  func nothingPut() throws {
    try control.keeper.channel.send(Packet([1, 1, 0, 0, 0, 0x61]))
    #expect(try control.keeper.take("a").isEmpty)
  }

  @Test(
    "What is no request is ignored",
    arguments: [
      [0], [255], [1], [2, 255, 255, 255, 255], [2, 2, 0, 0, 0, 0x61], [6, 1, 0, 0, 0, 0x61],
      [5, 0, 0, 0, 0, 1], [UInt8](repeating: 6, count: 60_000),
    ] as [[UInt8]])
  func garbage(_ bytes: [UInt8]) throws {
    try control.keeper.channel.send(Packet(bytes, [lab.first]))
    #expect(try control.keeper.take("").map(\.name) == ["first"])
  }
}
