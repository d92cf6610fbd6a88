import LinuxSystem
import Testing

@Suite("A loop and a thread beside it take turns", .timeLimit(.minutes(1)))
struct EventLoopTests {
  @Test("A loop that waits for ever is woken for a deadline that its companion sets")
  func deadline() throws {
    let loop = try EventLoop()
    try loop.beside {
      // Longer than the loop takes to begin its wait.
      pause(milliseconds: 50)
      loop.alone { _ = loop.after(milliseconds: 10) { loop.end() } }
    }
    try loop.run()
    #expect(!loop.alone {})
  }

  @Test("A companion ends the loop")
  func end() throws {
    let loop = try EventLoop()
    try loop.beside { loop.alone { loop.end() } }
    try loop.run()
    #expect(!loop.alone {})
  }

  @Test("A companion that asks for turn after turn does not keep the loop from its deadline")
  func fairness() throws {
    let loop = try EventLoop()
    try loop.beside { while loop.alone({ pause(milliseconds: 1) }) {} }
    _ = loop.after(milliseconds: 20) { loop.end() }
    try loop.run()
    #expect(!loop.alone {})
  }

  @Test("When the loop has ended its companion is refused a turn, and nothing is done")
  func noTurnAfterTheEnd() throws {
    let loop = try EventLoop()
    let (goOn, refused, done) = try (EventDescriptor(), EventDescriptor(), EventDescriptor())
    try loop.beside {
      _ = wait(on: goOn.descriptor, milliseconds: -1)
      if !loop.alone({ done.ring() }) { refused.ring() }
    }
    _ = loop.after(milliseconds: 0) { loop.end() }
    try loop.run()
    goOn.ring()
    #expect(wait(on: refused.descriptor, milliseconds: 10_000))
    #expect(!done.clear())
  }
}
