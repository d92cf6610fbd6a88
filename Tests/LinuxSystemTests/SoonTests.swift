import LinuxSystem
import Testing

@Suite("What a loop calls soon")
struct SoonTests {
  let loop: EventLoop

  init() throws { loop = try EventLoop() }

  @Test("It is called when what runs is done, and not from within")
  func afterwards() {
    var said: [String] = []
    loop.alone {
      loop.soon { said.append("soon") }
      said.append("body")
    }
    #expect(said == ["body", "soon"])
  }

  @Test("What is asked for before the loop runs is called by its first turn")
  func before() throws {
    var count = 0
    loop.soon { count += 1 }
    try loop.turn(milliseconds: 0)
    try loop.turn(milliseconds: 0)
    #expect(count == 1)
  }

  @Test("What asks for itself again and again does not keep the loop from its turns")
  func chain() throws {
    var count = 0
    func again() {
      count += 1
      loop.soon { again() }
    }
    loop.alone { again() }
    #expect(count == 2)
    try loop.turn()
    #expect(count == 4)
  }
}
