import Interleaving
import Vbus

/// Programs around one signal: north changes a byte some times and tells south, who is to see the
/// last change.
enum SignalStages {
  static let byteCount = 24
  static let data = 16

  static func explore(
    _ order: Explorer.Order, telling: Mutation? = nil, hearing: Mutation? = nil,
    by hearer: @escaping Explorer.Program = wakingUp
  ) -> Explorer.Verdict {
    let changes: UInt8 = 2
    return Explorer(
      memory: [UInt8](repeating: 0, count: byteCount), order: order,
      programs: [teller(changes), hearer], mutations: [telling, hearing]
    ) { (remarks, _) in remarks[0][0] == 1 && remarks[1][0] == Int(changes) }.run()
  }

  private static func teller(_ changes: UInt8) -> Explorer.Program {
    { stage in
      ShmSignalLayout.format(stage.words, at: 0)
      guard let signal = try? ShmSignal(stage.words, at: 0, as: .north) else { return }
      stage.start()
      for change in 1...changes {
        stage.words.storeRelaxed(change, at: data)
        if signal.inject() { stage.ring(1) }
      }
      stage.remark(1)
    }
  }

  /// Wakes by the rules: enable, then whenever a bell rings.
  @Sendable
  static func wakingUp(_ stage: Stage) { wakingUp(stage, heedsEnable: true, heedsFinish: true) }

  @Sendable
  static func deafToEnable(_ stage: Stage) {
    wakingUp(stage, heedsEnable: false, heedsFinish: true)
  }

  @Sendable
  static func deafToFinish(_ stage: Stage) {
    wakingUp(stage, heedsEnable: true, heedsFinish: false)
  }

  private static func wakingUp(_ stage: Stage, heedsEnable: Bool, heedsFinish: Bool) {
    guard var signal = try? ShmSignal(stage.words, at: 0, as: .south) else { return }
    stage.start()
    if signal.enable(), heedsEnable { wakeUp(signal, stage, heedsFinish) }
    while stage.wait() { wakeUp(signal, stage, heedsFinish) }
  }

  private static func wakeUp(
    _ signal: ShmSignal<ExploredWords>, _ stage: Stage, _ heedsFinish: Bool
  ) {
    while stage.goesOn, signal.begin() {
      _ = look(stage)
      guard signal.finish(), heedsFinish else { return }
    }
  }

  private static func look(_ stage: Stage) -> UInt8 {
    let seen = stage.words.relaxed8(at: data)
    stage.remark(Int(seen))
    return seen
  }

  /// Wants no bells while it works.
  @Sendable
  static func masking(_ stage: Stage) {
    guard var signal = try? ShmSignal(stage.words, at: 0, as: .south) else { return }
    stage.start()
    var wakes = signal.enable()
    while stage.goesOn {
      if !wakes, !stage.wait() { return }
      if signal.begin() {
        signal.disable()
        _ = look(stage)
        _ = signal.finish()
      }
      wakes = signal.enable()
    }
  }

  /// As rings do it: the memory itself says whether there is something to do.
  @Sendable
  static func listening(_ stage: Stage) { listening(stage, looksAgain: true) }

  @Sendable
  static func listeningOnly(_ stage: Stage) { listening(stage, looksAgain: false) }

  private static func listening(_ stage: Stage, looksAgain: Bool) {
    guard var signal = try? ShmSignal(stage.words, at: 0, as: .south) else { return }
    stage.start()
    while stage.goesOn {
      signal.disable()
      let seen = look(stage)
      signal.listen()
      if looksAgain, stage.words.relaxed8(at: data) != seen { continue }
      guard stage.wait() else { return }
    }
  }
}
