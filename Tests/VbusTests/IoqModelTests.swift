import Interleaving
import Testing
import Vbus

@Suite("Every order of a ring's steps ends well")
struct IoqModelTests {
  @Test(
    "Entries go round once each, in order, and nobody sleeps beside them",
    arguments: [Flow.toDevice, .fromDevice], [1, 2])
  func sequential(_ flow: Flow, _ size: Int) {
    let plan = IoqStages.Plan(size: size, entries: size + 1, flow: flow)
    #expect(IoqStages.explore(.sequential, plan).isSound)
  }

  @Test(
    "So they do when stores become visible late",
    arguments: [Flow.toDevice, .fromDevice], [1, 2])
  func delayed(_ flow: Flow, _ size: Int) {
    let plan = IoqStages.Plan(size: size, entries: 2, flow: flow)
    #expect(IoqStages.explore(.delayed, plan).isSound)
  }

  @Test("A device that has nothing more to write leaves the ring as it is")
  func unserved() {
    let plan = IoqStages.Plan(size: 2, entries: 3, served: 2, flow: .fromDevice)
    #expect(IoqStages.explore(.delayed, plan).isSound)
  }

  @Test(
    "So they do when stores become visible in any order",
    arguments: [Flow.toDevice, .fromDevice])
  func loose(_ flow: Flow) {
    let plan = IoqStages.Plan(size: 1, entries: 1, flow: flow)
    #expect(IoqStages.explore(.loose, plan).isSound)
  }
}

@Suite("A planted error in a ring's steps is found")
struct IoqMutationTests {
  @Test("A driver that does not look again sleeps beside a completion")
  func hastyDriver() {
    let plan = IoqStages.Plan(driverLooksAgain: false)
    #expect(IoqStages.explore(.sequential, plan) == .stuck)
  }

  @Test("A device that does not look again sleeps beside an entry")
  func hastyDevice() {
    let plan = IoqStages.Plan(deviceLooksAgain: false)
    #expect(IoqStages.explore(.sequential, plan) == .stuck)
  }

  @Test("A driver without fences leaves somebody asleep")
  func driverWithoutFences() {
    #expect(IoqStages.explore(.delayed, driving: .noFence) == .stuck)
  }

  @Test("A device without fences leaves somebody asleep")
  func deviceWithoutFences() {
    #expect(IoqStages.explore(.delayed, serving: .noFence) == .stuck)
  }

  @Test("A driver whose owner byte overtakes the descriptor sends nonsense")
  func driverWithoutRelease() {
    let plan = IoqStages.Plan(size: 2, entries: 1)
    #expect(IoqStages.explore(.loose, plan, driving: .noRelease) == .stuck)
  }

  @Test("A device whose owner byte overtakes the length returns nonsense")
  func deviceWithoutRelease() {
    let plan = IoqStages.Plan(size: 2, entries: 1, flow: .fromDevice)
    #expect(IoqStages.explore(.loose, plan, serving: .noRelease) == .stuck)
  }

  @Test("An entry whose owner never changes is not served")
  func keptOwner() {
    let owner = IoqLayout.descriptor(0) + IoqLayout.owner
    #expect(IoqStages.explore(.sequential, driving: .lost(owner, 1)) == .stuck)
  }

  @Test("A device that does not look twice whether the ring is full says so wrongly")
  func fullUnchecked() {
    let plan = IoqStages.Plan(size: 2, entries: 3, served: 2, flow: .fromDevice)
    let full = IoqLayout.Index.inUse + IoqLayout.Index.full
    #expect(IoqStages.explore(.delayed, plan, serving: .noFenceBehind(full)) == .stuck)
  }
}
