import LinuxSystem

extension EngineLab {
  /// Has a conversation again and again, in which the engine is killed at one moment: a system call of
  /// its, before it or after it. At every third by default: by turns before and after a call. Ends with
  /// the first that is over before its moment, and answers that one.
  static func killAtMoments(
    every step: UInt64 = 3,
    preparing prepare: (EngineLab) throws -> Void = { _ in },
    of conversation: (EngineLab, LabDisk, UInt64) throws -> Void
  ) throws -> UInt64 {
    let meter = try Meter()
    var moment: UInt64 = 1
    while true {
      // A keeper starts a program that ends too often ever more slowly.
      let lab = try EngineLab(environment: meter.environment)
      try prepare(lab)
      let disk = try lab.disk()
      for _ in 0..<7 {
        let isKilled = try lab.engineDies(at: moment, of: meter) {
          try conversation(lab, disk, moment)
          try disk.waitUntil { !$0.isConnected }
        }
        guard isKilled else { return moment }
        moment += step
      }
    }
  }

  /// Whether the conversation was long enough for the engine to be killed at this moment of it.
  private func engineDies(
    at moment: UInt64, of meter: Meter, _ conversation: () throws -> Void
  ) throws -> Bool {
    let engine = try engine()
    let last = meter.moments + moment
    meter.lastMoment = last
    try conversation()
    let isDead = meter.moments >= last
    meter.lastMoment = 0
    guard isDead else { return false }
    _ = try control.awaitEngine(after: engine)
    return true
  }
}
