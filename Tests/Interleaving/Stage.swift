/// What a program of a scenario has at hand.
package struct Stage {
  package let words: ExploredWords
  private let replay: Replay

  init(_ replay: Replay, byteCount: Int, mutation: Mutation?) {
    self.replay = replay
    words = ExploredWords(replay: replay, byteCount: byteCount, mutation: mutation)
  }

  /// Ends what is to happen before the exploration: each program's beginning, one after another.
  package func start() { _ = replay.take(.start) }

  package func ring(_ program: Int) { _ = replay.take(.ring(program: program)) }

  /// Sleeps until the bell rings. False when the replay ends here.
  package func wait() -> Bool {
    _ = replay.take(.wait)
    return !replay.isOver
  }

  /// Says that these numbers determine all that the program knows at this point, so that the
  /// explorer need not tell apart how it got there.
  package func mark(_ digest: Int...) { replay.mark(digest) }

  package var goesOn: Bool { !replay.isOver }

  package func remark(_ value: Int, as key: Int = 0) { replay.remark(value, as: key) }
}
