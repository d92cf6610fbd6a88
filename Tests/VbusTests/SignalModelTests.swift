import Interleaving
import Testing
import Vbus

@Suite("Every order of a signal's steps ends well")
struct SignalModelTests {
  @Test("No change is missed, and nothing wakes for ever", arguments: Explorer.Order.allCases)
  func wakingUp(_ order: Explorer.Order) {
    #expect(SignalStages.explore(order).isSound)
  }

  @Test("No change is missed across masking", arguments: Explorer.Order.allCases)
  func masking(_ order: Explorer.Order) {
    #expect(SignalStages.explore(order, by: SignalStages.masking).isSound)
  }

  @Test(
    "No change is missed by who looks at the memory itself", arguments: Explorer.Order.allCases)
  func listening(_ order: Explorer.Order) {
    #expect(SignalStages.explore(order, by: SignalStages.listening).isSound)
  }
}

@Suite("A planted error in a signal's steps is found")
struct SignalMutationTests {
  @Test("A teller without a fence leaves the hearer asleep")
  func tellerWithoutFence() {
    #expect(SignalStages.explore(.delayed, telling: .noFence) == .stuck)
  }

  @Test(
    "A hearer without one of its fences sleeps beside a change",
    arguments: [
      ShmSignalLayout.enabled(.south), ShmSignalLayout.dirty(.south),
      ShmSignalLayout.pending(.south),
    ])
  func hearerWithoutFence(_ offset: Int) {
    #expect(SignalStages.explore(.delayed, hearing: .noFenceBehind(offset)) == .stuck)
  }

  @Test("A listener without a fence sleeps beside a change")
  func listenerWithoutFence() {
    let verdict = SignalStages.explore(
      .delayed, hearing: .noFence, by: SignalStages.listening)
    #expect(verdict == .stuck)
  }

  @Test("A mark that overtakes the change it stands for is missed")
  func markWithoutRelease() {
    #expect(SignalStages.explore(.loose, telling: .noRelease) == .stuck)
  }

  @Test("A teller that checks before it marks leaves the hearer asleep")
  func checkBeforeMark() {
    let early = EarlyLoads(
      [ShmSignalLayout.enabled(.south), ShmSignalLayout.pending(.south)],
      before: ShmSignalLayout.dirty(.south))
    #expect(SignalStages.explore(.sequential, telling: .hoisted(early)) == .stuck)
  }

  @Test("A hearer that looks at the mark before it clears what is pending sleeps beside a change")
  func checkBeforeClear() {
    let early = EarlyLoads(
      [ShmSignalLayout.dirty(.south)], before: ShmSignalLayout.pending(.south))
    #expect(SignalStages.explore(.sequential, hearing: .hoisted(early)) == .stuck)
  }

  @Test("A hearer that does not look again after its wake-up sleeps beside a change")
  func deafToFinish() {
    #expect(SignalStages.explore(.sequential, by: SignalStages.deafToFinish) == .stuck)
  }

  @Test("A hearer that does not look after it asked for bells sleeps beside a change")
  func deafToEnable() {
    #expect(SignalStages.explore(.sequential, by: SignalStages.deafToEnable) == .stuck)
  }

  @Test("A listener that does not look again sleeps beside a change")
  func listeningOnly() {
    #expect(SignalStages.explore(.sequential, by: SignalStages.listeningOnly) == .stuck)
  }

  @Test("A mark that is never set wakes nobody")
  func noMark() {
    let verdict = SignalStages.explore(
      .sequential, telling: .lost(ShmSignalLayout.dirty(.south), 1))
    #expect(verdict == .stuck)
  }

  @Test("A mark that is never cleared wakes for ever")
  func keptMark() {
    let verdict = SignalStages.explore(
      .sequential, hearing: .lost(ShmSignalLayout.dirty(.south), 0))
    #expect(verdict == .endless)
  }

  @Test("A bell that stays pending rings no more")
  func keptPending() {
    let verdict = SignalStages.explore(
      .sequential, hearing: .lost(ShmSignalLayout.pending(.south), 0))
    #expect(verdict == .stuck)
  }
}
