/// Lists of stores that are made and not visible yet, each with a number.
struct WaitingLists {
  static let empty = 0

  private var lists: [[Step]] = [[]]
  private var numbers: [[Step]: Int] = [[]: empty]
  /// What `visible` answered before.
  private var known: [[(step: Step, rest: Int)]?] = [nil]

  subscript(number: Int) -> [Step] { lists[number] }

  mutating func adding(_ step: Step, to number: Int) -> Int {
    self.number(of: lists[number] + [step])
  }

  private mutating func number(of list: [Step]) -> Int {
    if let number = numbers[list] { return number }
    lists.append(list)
    known.append(nil)
    numbers[list] = lists.count - 1
    return lists.count - 1
  }

  /// Which of the stores may become visible next, each with the list of the others.
  mutating func visible(_ number: Int, inAnyOrder: Bool) -> [(step: Step, rest: Int)] {
    if let known = known[number] { return known }
    let list = lists[number]
    let indices = list.indices.filter { index in
      index == 0 || inAnyOrder && Self.mayPass(list[index], list[..<index])
    }
    let answer = indices.map { index in
      var rest = list
      let step = rest.remove(at: index)
      return (step, self.number(of: rest))
    }
    known[number] = answer
    return answer
  }

  /// A release or a bell passes nothing; another store passes what is elsewhere.
  private static func mayPass(_ step: Step, _ earlier: ArraySlice<Step>) -> Bool {
    guard case .store(_, let offset, let count, false) = step else { return false }
    return !earlier.contains {
      guard case .store(_, let other, let otherCount, _) = $0 else { return false }
      return (offset..<(offset + count)).overlaps(other..<(other + otherCount))
    }
  }
}
