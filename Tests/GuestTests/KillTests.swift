import TestSupport
import Testing

extension EndToEnd {
  @Suite(
    "Deaths that a guest does not notice", .serialized,
    .needs(.userModeLinux, .qemu, .qemuGuest))
  struct KillTests {
    static let killed: [(victim: Victim, engineRestarts: UInt64)] = [(.control, 0), (.engine, 20)]

    @Test(
      "Control or the engine is killed 20 times while a guest writes",
      arguments: killed, Machine.allCases)
    func deaths(of killed: (victim: Victim, engineRestarts: UInt64), machine: Machine) throws {
      let lab = try Lab()
      defer { lab.end() }
      let trial = try Trial(of: killed.victim, under: machine, in: lab)
      #expect(trial.socketsAfter == trial.socketsBefore)
      #expect(trial.report.status == 0, "\(trial.report.lines)")
      #expect(trial.report.value("errors") == "0")
      #expect(trial.checksumsOnHost == trial.checksumsInGuest)
      #expect(trial.damage == "")
      #expect(trial.treeLoop.succeeded, "\(trial.treeLoop.text)")
      #expect(trial.identifierAfterLoop == trial.turnsOfLoop)
      #expect(trial.engineRestarts == killed.engineRestarts)
    }
  }
}
