import LinuxSystem

extension EngineLab {
  /// Has a conversation in which the engine is killed at a moment: a system call of its, before it
  /// or after it. Whether the conversation was long enough for that.
  func engineDies(
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
