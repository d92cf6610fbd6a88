import LinuxSystem
import Testing

@Suite("Two threads on one ring")
struct ThreadTests {
  @Test("All entries go round once, in order, with their bytes")
  func both() throws {
    let folder = try programPath().split(separator: "/").dropLast().joined(separator: "/")
    let pid = try spawn(
      "/\(folder)/RingRace", [], environment: environmentTexts(), descriptors: [])
    #expect(try awaitEnd(of: pid) == .exited(0))
  }
}
