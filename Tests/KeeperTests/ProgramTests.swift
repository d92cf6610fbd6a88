import Keeper
import KeeperLab
import LinuxSystem
import Testing

@Suite("The keeper's programs")
struct ProgramTests {
  let lab: KeeperLab
  let control: PlayedProgram

  init() throws {
    lab = try KeeperLab()
    control = try lab.program()
  }

  @Test("A control program that was killed is started again")
  func controlKilled() throws {
    try control.kill()
    #expect(try lab.program().pid != control.pid)
  }

  @Test("A control program that failed is started again")
  func controlFailed() throws {
    try control.exit(1)
    #expect(try lab.program().pid != control.pid)
  }

  @Test("A child that was killed is started again, and control is told")
  func childKilled() throws {
    let child = try control.child(of: lab)
    try child.kill()
    let next = try lab.program()
    let state = try control.waitFor("child") { $0.pid == next.pid }
    #expect(state.restarts == 1)
    #expect(state.ending == "killed by signal 9")
  }

  @Test("A child that ends by itself is started again, whatever its status", arguments: [0, 1, 2])
  func childEnded(_ status: UInt8) throws {
    try control.child(of: lab).exit(status)
    let next = try lab.program()
    let state = try control.waitFor("child") { $0.pid == next.pid }
    #expect(state.ending == "exited with status \(status)")
  }

  @Test("A child that was ended is not started again")
  func ended() throws {
    _ = try control.child(of: lab)
    try control.keeper.end("child")
    _ = try control.waitFor("child") { $0.pid == nil }
    #expect(try control.keeper.programs().isEmpty)
  }

  @Test("A child that is ended while it waits for its next start is not started")
  func endedWhileWaiting() throws {
    try control.keeper.spawn("broken", "/nonexistent", [], scope: "")
    _ = try control.waitFor("broken") { $0.restarts >= 12 && $0.pid == nil }
    try control.keeper.end("broken")
    #expect(try control.keeper.programs().isEmpty)
    #expect(throws: Errno.timedOut) {
      guard wait(on: control.keeper.channel.descriptor, milliseconds: 700) else {
        throw Errno.timedOut
      }
    }
  }

  @Test("A name is spawned once")
  func spawnedTwice() throws {
    let child = try control.child(of: lab)
    let probe = try lab.probe()
    try control.keeper.spawn("child", probe.path, probe.arguments, scope: "")
    #expect(try control.keeper.programs().map(\.pid) == [child.pid])
  }

  @Test("The list of programs holds each once, also when its news have not been read")
  func listedOnce() throws {
    try control.child(of: lab).kill()
    let next = try lab.program()
    #expect(try control.keeper.programs().map(\.pid) == [next.pid])
    #expect(try control.keeper.changes().isEmpty)
  }

  @Test("The list of programs holds none that has ended, also when its news have not been read")
  func endedNotListed() throws {
    let child = try control.child(of: lab)
    try control.keeper.end("child")
    #expect(wait(on: child.keeper.channel.descriptor, milliseconds: 10_000))
    _ = try control.waitFor("child") { $0.pid == nil }
    #expect(try control.keeper.programs().isEmpty)
  }

  @Test("Children go on when control is killed, and its successor finds them")
  func childrenGoOn() throws {
    let child = try control.child(of: lab)
    try control.kill()
    #expect(try lab.program().keeper.programs().map(\.pid) == [child.pid])
  }

  @Test("Nobody can end control through the keeper")
  func controlStays() throws {
    try control.keeper.end("control")
    #expect(try control.keeper.programs().isEmpty)
  }

  @Test("When control ends well or says that nothing helps, all end", arguments: [0, 2])
  func controlEnds(_ status: UInt8) throws {
    let child = try control.child(of: lab)
    try control.exit(status)
    #expect(wait(on: child.keeper.channel.descriptor, milliseconds: 10_000))
    #expect(throws: Errno.connectionReset) { try child.keeper.changes() }
    #expect(wait(on: lab.first, milliseconds: 10_000))
    #expect(hasEnded(lab.first))
  }

  @Test("When the keeper is killed, its programs see the end of their channels")
  func keeperKilled() throws {
    try send(signal: Signal.kill, to: lab.pid)
    #expect(wait(on: control.keeper.channel.descriptor, milliseconds: 10_000))
    #expect(throws: Errno.connectionReset) { try control.keeper.changes() }
  }

  @Test("Whoever started the keeper hears that service has begun")
  func ready() throws {
    try control.keeper.ready()
    let starter = try #require(lab.starter)
    #expect(wait(on: starter, milliseconds: 10_000))
    #expect(try read(starter, upTo: 64) == [0x0a])
  }

  @Test("Whoever started the keeper hears why service cannot begin")
  func notReady() throws {
    try control.keeper.ready("no")
    let starter = try #require(lab.starter)
    #expect(wait(on: starter, milliseconds: 10_000))
    #expect(try read(starter, upTo: 64) == Array("no\n".utf8))
  }

  @Test("The keeper lives on when nobody waits for service to begin")
  func nobodyWaits() throws {
    lab.closeStarter()
    try control.keeper.ready()
    #expect(try control.keeper.take("first").count == 1)
  }
}
