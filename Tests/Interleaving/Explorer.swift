/// Tries every order in which programs can take steps, and every moment at which their stores can
/// become visible.
///
/// Each state is looked at once. A program's place is its node in a tree of the answers that it
/// got, or where it says so, of what it made of them; so states in which all programs know the
/// same, and memory, bells and waiting stores are the same, are one. A state that leads back to
/// itself is one of a program that takes steps without end, for what programs achieve they know.
package final class Explorer {
  /// When a store becomes visible to others.
  package enum Order: CaseIterable, Sendable {
    /// At once: sequential consistency.
    case sequential
    /// Later, each processor's in their order: x86.
    case delayed
    /// Later, in any order unless one is a release or to the same place: weaker machines.
    case loose
  }

  package enum Verdict: Equatable, Sendable {
    /// All orders end as they should.
    case sound(states: Int)
    /// A program sleeps for ever beside work that it ought to do, or ended with the wrong result.
    case stuck
    /// A program takes steps without end.
    case endless
    /// More states than allowed: nothing is known.
    case tooLarge

    package var isSound: Bool {
      if case .sound = self { true } else { false }
    }
  }

  package typealias Program = (Stage) -> Void

  private let memory: [UInt8]
  private let order: Order
  private let programs: [Program]
  private let mutations: [Mutation?]
  /// Judges what the programs remarked, and the shared bytes, once nothing goes on.
  private let isGoal: ([[Int: Int]], [UInt8]) -> Bool
  private var nodes: [[Node]]
  private var marked: [[[Int]: Int]]
  private var lists = WaitingLists()

  /// No program of these tests takes as many steps.
  private static let stepsMax = 400
  private static let statesMax = 3_000_000

  package init(
    memory: [UInt8], order: Order, programs: [Program], mutations: [Mutation?] = [],
    isGoal: @escaping ([[Int: Int]], [UInt8]) -> Bool
  ) {
    self.memory = memory
    self.order = order
    self.programs = programs
    self.mutations = programs.indices.map { mutations.indices.contains($0) ? mutations[$0] : nil }
    self.isGoal = isGoal
    nodes = programs.map { _ in [] }
    marked = programs.map { _ in [:] }
  }

  /// A place in a program: the answers that led there, and the step that comes next.
  private struct Node {
    let answers: [UInt64]
    let next: Step?
    let remarks: [Int: Int]
    var followers: [UInt64: Int] = [:]
  }

  package func run() -> Verdict {
    let start = beginning()
    // True while the search is below a state.
    var seen: [World: Bool] = [start: true]
    var path = [(world: start, open: followers(of: start))]
    while let (world, open) = path.last {
      guard let follower = open.last else {
        seen[world] = false
        path.removeLast()
        continue
      }
      path[path.count - 1].open.removeLast()
      if let isBelow = seen[follower] {
        if isBelow { return .endless }
        continue
      }
      if programs.indices.contains(where: { node(follower, $0).answers.count > Self.stepsMax }) {
        return .endless
      }
      let next = followers(of: follower)
      if next.isEmpty, !isGood(follower) {
        return .stuck
      }
      seen[follower] = true
      guard seen.count <= Self.statesMax else { return .tooLarge }
      path.append((follower, next))
    }
    return .sound(states: seen.count)
  }

  private func isGood(_ world: World) -> Bool {
    isGoal(
      programs.indices.map { node(world, $0).remarks },
      memory.indices.map { world[byte: $0] })
  }

  /// Behind what each program does by itself, the first one first.
  private func beginning() -> World {
    for program in programs.indices { _ = addNode(program, []) }
    var world = World(memory: memory, programs: programs.count)
    for program in programs.indices {
      while let next = node(world, program).next,
        let follower = take(next, program, world, isAlone: true)
      {
        world = follower
        if next == .start { break }
      }
    }
    return world
  }

  private func node(_ world: World, _ program: Int) -> Node {
    nodes[program][world.place(of: program)]
  }

  private func followers(of world: World) -> [World] {
    var followers: [World] = []
    for program in programs.indices {
      if let next = node(world, program).next, let follower = take(next, program, world) {
        followers.append(follower)
      }
      let list = world.waiting(of: program)
      for (step, rest) in lists.visible(list, inAnyOrder: order == .loose) {
        var follower = world
        follower.setWaiting(of: program, rest)
        apply(step, to: &follower)
        followers.append(follower)
      }
    }
    return followers
  }

  /// What follows a step; nil while it cannot be taken.
  private func take(
    _ step: Step, _ program: Int, _ world: World, isAlone: Bool = false
  ) -> World? {
    var follower = world
    var answer: UInt64 = 0
    switch step {
    case .load(let offset, let byteCount):
      answer = load(offset, byteCount, program, world)
    case .store, .ring:
      if order == .sequential || isAlone {
        apply(step, to: &follower)
      } else {
        follower.setWaiting(
          of: program, lists.adding(step, to: world.waiting(of: program)))
      }
    case .start: break
    case .fence:
      guard world.waiting(of: program) == WaitingLists.empty else { return nil }
    case .wait:
      guard world.hasBell(program) else { return nil }
      follower.setBell(of: program, false)
    }
    follower.setPlace(of: program, follow(program, world.place(of: program), answer))
    return follower
  }

  /// A load sees the program's own waiting stores.
  private func load(_ offset: Int, _ byteCount: Int, _ program: Int, _ world: World) -> UInt64 {
    var value: UInt64 = 0
    for index in 0..<byteCount {
      value |= UInt64(world[byte: offset + index]) << UInt64(8 * index)
    }
    for case .store(let stored, let place, let count, _) in lists[world.waiting(of: program)] {
      for index in 0..<count where (offset..<(offset + byteCount)).contains(place + index) {
        let byte = stored >> UInt64(8 * index) & 0xff
        let shift = UInt64(8 * (place + index - offset))
        value = value & ~(0xff << shift) | byte << shift
      }
    }
    return value
  }

  private func apply(_ step: Step, to world: inout World) {
    switch step {
    case .store(let value, let offset, let count, _):
      for index in 0..<count {
        world[byte: offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
      }
    case .ring(let program): world.setBell(of: program, true)
    default: break
    }
  }

  private func follow(_ program: Int, _ place: Int, _ answer: UInt64) -> Int {
    if let known = nodes[program][place].followers[answer] { return known }
    let added = addNode(program, nodes[program][place].answers + [answer])
    nodes[program][place].followers[answer] = added
    return added
  }

  private func addNode(_ program: Int, _ answers: [UInt64]) -> Int {
    let replay = Replay(answers: answers)
    mutations[program]?.early?.answers = [:]
    programs[program](
      Stage(replay, byteCount: memory.count, mutation: mutations[program]))
    if let mark = replay.mark {
      if let known = marked[program][mark] { return known }
      marked[program][mark] = nodes[program].count
    }
    nodes[program].append(Node(answers: answers, next: replay.next, remarks: replay.remarks))
    return nodes[program].count - 1
  }
}
