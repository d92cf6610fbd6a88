/// One run of a program over the steps that it is known to have taken, up to the next one.
///
/// A program is a function of what its loads answered. So it is stepped by running it again from
/// its beginning: known answers are given again, the first new step is noted, and what comes behind
/// that is thrown away. No thread and no second form of the code is needed.
final class Replay {
  private let answers: [UInt64]
  private var position = 0
  /// The offset of the newest store.
  var lastStored = 0
  /// The first step that has no answer yet; nil when the program ended before one.
  private(set) var next: Step?
  /// What the program said of itself up to there.
  private(set) var remarks: [Int: Int] = [:]

  init(answers: [UInt64]) { self.answers = answers }

  /// True behind the first new step: nothing counts any more, and loops have to end.
  var isOver: Bool { next != nil }

  func take(_ step: Step) -> UInt64 {
    guard !isOver else { return 0 }
    guard position < answers.count else {
      next = step
      return 0
    }
    defer { position += 1 }
    return answers[position]
  }

  private var markPosition = -1
  private var lastMark: [Int] = []

  /// What the program's own state is right behind the last answer, if it said so there.
  var mark: [Int]? { markPosition == answers.count ? lastMark : nil }

  func mark(_ digest: [Int]) {
    guard !isOver else { return }
    markPosition = position
    lastMark = digest
  }

  /// Says something about the program that is no step, for a test to judge.
  func remark(_ value: Int, as key: Int) {
    if !isOver { remarks[key] = value }
  }
}
