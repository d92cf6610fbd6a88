import KeeperLab
import LinuxSystem
import Testing

@testable import Keeper

@Suite("What a program that is not control may not")
struct ScopeTests {
  let lab: KeeperLab
  let control: PlayedProgram
  let child: PlayedProgram

  init() throws {
    lab = try KeeperLab()
    control = try lab.program()
    child = try control.child(of: lab)
  }

  @Test("A child's names are below its scope")
  func put() throws {
    try child.keeper.put(lab.first, as: "x")
    #expect(try child.keeper.take("").map(\.name) == ["x"])
    #expect(try control.keeper.take("scope").map(\.name) == ["scope/x"])
  }

  @Test(
    "A child takes nothing outside of its scope", arguments: ["first", "/first", "../first", "/"])
  func take(_ name: String) throws {
    #expect(try child.keeper.take(name).isEmpty)
  }

  @Test("A child does not see a scope that begins like its own")
  func longerScope() throws {
    try control.keeper.put(lab.first, as: "scope2/x")
    #expect(try child.keeper.take("").isEmpty)
  }

  @Test("A child drops nothing outside of its scope", arguments: ["first", "", "../first"])
  func drop(_ name: String) throws {
    try child.keeper.drop(name)
    _ = try child.keeper.take("")
    #expect(try control.keeper.take("first").count == 1)
  }

  @Test("A child speaks through nothing outside of its scope")
  func say() throws {
    try child.keeper.say([0x61], number: 1, through: "first")
    _ = try child.keeper.take("")
    #expect(throws: Errno.again) { try receiveBytes(upTo: 1, descriptorsMax: 0, from: lab.first) }
  }

  @Test("A child keeps an accepted connection in its scope")
  func accept() throws {
    let path = lab.folder + "/socket"
    let listener = try listen(
      at: path, permissions: 0o600, uid: effectiveUser(), gid: effectiveGroup())
    let peer = try connect(to: path)
    _ = try child.keeper.accept(from: listener, as: "first")
    #expect(try control.keeper.take("scope/first").count == 1)
    #expect(!hasEnded(peer))
  }

  @Test("A child starts no program")
  func spawn() throws {
    let probe = try lab.probe()
    try child.keeper.spawn("grandchild", probe.path, probe.arguments, scope: "")
    _ = try child.keeper.take("")
    #expect(try control.keeper.programs().map(\.name) == ["child"])
  }

  @Test("A child ends no program")
  func end() throws {
    try child.keeper.end("child")
    _ = try child.keeper.take("")
    #expect(try control.keeper.programs().map(\.pid) == [child.pid])
  }

  @Test("A child does not say that service has begun")
  func ready() throws {
    try child.keeper.ready("nonsense")
    _ = try child.keeper.take("")
    try control.keeper.ready()
    let starter = try #require(lab.starter)
    #expect(wait(on: starter, milliseconds: 10_000))
    #expect(try read(starter, upTo: 64) == [0x0a])
  }

  @Test("A child that is given up leaves nothing behind, whatever it put at its end")
  func givenUp() throws {
    for index in 0..<50 { try child.keeper.put(lab.first, as: "x/\(index)") }
    try control.keeper.end("child")
    _ = try control.waitFor("child") { $0.pid == nil }
    #expect(try control.keeper.take("scope").isEmpty)
    #expect(try control.keeper.take("").map(\.name) == ["first"])
  }

  @Test("A child keeps no more than its share, and others keep theirs")
  func share() throws {
    let event = try EventDescriptor().descriptor
    let packetCount = KeptDescriptors.countMaxOfProgram / Packet.descriptorCountMax
    for packet in 0...packetCount {
      try child.keeper.put(
        [Descriptor](repeating: event, count: Packet.descriptorCountMax),
        as: (0..<Packet.descriptorCountMax).map { "\(packet)/\($0)" })
    }
    #expect(try child.keeper.take("\(packetCount - 1)").count == Packet.descriptorCountMax)
    #expect(try child.keeper.take("\(packetCount)").isEmpty)
    try control.keeper.put(event, as: "scope/control's")
    #expect(try control.keeper.take("scope/control's").count == 1)
    try child.keeper.drop("0")
    try child.keeper.put(event, as: "again")
    #expect(try child.keeper.take("again").count == 1)
  }

  @Test("A child that has its share has no connection accepted")
  func shareOfConnections() throws {
    let event = try EventDescriptor().descriptor
    for packet in 0..<KeptDescriptors.countMaxOfProgram / Packet.descriptorCountMax {
      try child.keeper.put(
        [Descriptor](repeating: event, count: Packet.descriptorCountMax),
        as: (0..<Packet.descriptorCountMax).map { "\(packet)/\($0)" })
    }
    let path = lab.folder + "/socket"
    let listener = try listen(
      at: path, permissions: 0o600, uid: effectiveUser(), gid: effectiveGroup())
    let peer = try connect(to: path)
    #expect(try child.keeper.accept(from: listener, as: "x") == nil)
    try child.keeper.drop("0")
    #expect(try child.keeper.accept(from: listener, as: "x") != nil)
    #expect(!hasEnded(peer))
  }

  @Test("A child that asks and never reads is answered no more until it does")
  func deaf() throws {
    let channel = child.keeper.channel
    let question: [UInt8] = [2, 0, 0, 0, 0]
    for _ in 0..<20_000 where wait(for: .writable, on: channel.descriptor, milliseconds: 10_000) {
      try? channel.send(Packet(question))
    }
    #expect(try control.keeper.take("first").count == 1)
    var answers = 0
    while wait(on: channel.descriptor, milliseconds: 200), try channel.receive() != nil {
      answers += 1
    }
    #expect((1..<5000).contains(answers))
    #expect(try child.keeper.take("").isEmpty)
  }
}
