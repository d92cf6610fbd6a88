/// One access that a program makes to what it shares with others: the unit in which programs take
/// turns.
package enum Step: Hashable {
  case load(offset: Int, byteCount: Int)
  case store(UInt64, offset: Int, byteCount: Int, isRelease: Bool)
  case fence
  /// Ringing another program's bell, a system call: behind every store before it, no stronger.
  case ring(program: Int)
  /// The end of what a program does before the others begin.
  case start
  /// Sleeping until the own bell was rung, and clearing it.
  case wait
}
