import LinuxSystem
import TestSupport
import Testing

extension EndToEnd {
  @Suite(
    "Deaths that a guest does not notice", .serialized,
    .needs(.userModeLinux, .qemu, .qemuGuest))
  struct KillTests {
    @Test("Control is killed 20 times while a guest writes", arguments: Machine.allCases)
    func control(machine: Machine) throws {
      let lab = try Lab()
      defer { lab.end() }
      let trial = try Trial(of: .control, under: machine, in: lab)
      #expect(trial.socketsAfter == trial.socketsBefore)
      #expect(trial.report.status == 0, "\(trial.report.lines)")
      #expect(trial.report.value("errors") == "0")
      #expect(trial.rounds > 10)
      #expect(trial.checksumsOnHost == trial.checksumsInGuest)
      #expect(trial.damage == "")
      #expect(trial.treeLoop.succeeded, "\(trial.treeLoop.text)")
      #expect(trial.identifierAfterLoop == trial.turnsOfLoop)
    }

    @Test("An engine is killed 20 times while its guest writes", arguments: Machine.allCases)
    func engine(machine: Machine) throws {
      let lab = try Lab()
      defer { lab.end() }
      let trial = try Trial(of: .engine, under: machine, in: lab)
      #expect(trial.socketsAfter == trial.socketsBefore)
      #expect(trial.report.status == 0, "\(trial.report.lines)")
      #expect(trial.report.value("errors") == "0")
      #expect(trial.rounds > 10)
      #expect(trial.checksumsOnHost == trial.checksumsInGuest)
      #expect(trial.damage == "")
      #expect(trial.treeLoop.succeeded, "\(trial.treeLoop.text)")
      #expect(trial.identifierAfterLoop == trial.turnsOfLoop)
      #expect(trial.engineRestarts == 20)
    }
  }
}
