internal import CLinux
internal import Synchronization
internal import Tables

/// What a descriptor is ready for, or waited for (epoll(7)).
package struct Readiness: OptionSet, Sendable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  package static let readable = Readiness(rawValue: 0x001)
  package static let urgent = Readiness(rawValue: 0x002)
  package static let writable = Readiness(rawValue: 0x004)
  package static let failed = Readiness(rawValue: 0x008)
  package static let hungUp = Readiness(rawValue: 0x010)
  /// Tell once when it becomes ready, not as long as it is (EPOLLET).
  package static let edge = Readiness(rawValue: 1 << 31)
}

/// One thread's loop over descriptors and deadlines.
///
/// It is shared with no other thread, but for those that it starts itself (`beside`): of them and
/// its handlers one runs at a time.
///
/// A handler may add and remove watches, its own too; a removed watch is not called again, even
/// when its event was already fetched.
@safe package final class EventLoop {
  /// Names a watch or a deadline. Never reused.
  package struct Token: Hashable, Sendable { fileprivate let number: UInt64 }

  private struct Watch {
    let descriptor: Descriptor
    let handler: (Readiness) -> Void
  }

  /// Not a tuple: in a generic container the handler would need a thunk, which takes memory.
  private struct Deadline {
    let at: UInt64
    let handler: () -> Void
  }

  private let epoll: Descriptor
  private let watches = NumberTable<Watch>()
  private let deadlines = NumberTable<Deadline>()
  private var lastToken: UInt64 = 0
  private var isEnding = false
  private let companions = Companions()
  private let ready: UnsafeMutablePointer<linux_ready>
  /// What runs when what runs now is done.
  private var next: [() -> Void] = []
  /// Apart, because to look into a list that grows costs more.
  private var isNextEmpty = true
  private var isCallingSoon = false
  /// Scratch: the deadlines of one turn.
  private var due: [UInt64] = []

  /// How many events one wait fetches; more wait for the next turn.
  private static let eventsMax = 64

  package init() throws(Errno) {
    epoll = Descriptor(owning: try checked(linux_epoll_create()))
    unsafe ready = .allocate(capacity: Self.eventsMax)
    unsafe ready.initialize(repeating: linux_ready(), count: Self.eventsMax)
  }

  // SAFETY: allocated in init; nothing keeps a pointer into it.
  deinit { unsafe ready.deallocate() }

  /// Calls `handler` whenever `descriptor` is ready, until the watch is removed. The loop keeps
  /// the descriptor open meanwhile.
  package func watch(
    _ descriptor: Descriptor, for readiness: Readiness = .readable,
    handler: @escaping (Readiness) -> Void
  ) throws(Errno) -> Token {
    lastToken += 1
    _ = try checked(
      linux_epoll_add(epoll.number, descriptor.number, readiness.rawValue, lastToken))
    watches[lastToken] = Watch(descriptor: descriptor, handler: handler)
    return Token(number: lastToken)
  }

  /// Changes what a watch waits for; nothing at all is allowed and silences it.
  package func rewatch(_ token: Token, for readiness: Readiness) throws(Errno) {
    guard let watch = watches[token.number] else { return }
    _ = try checked(
      linux_epoll_modify(
        epoll.number, watch.descriptor.number, readiness.rawValue, token.number))
  }

  package func remove(_ token: Token) {
    deadlines[token.number] = nil
    guard let watch = watches.remove(token.number) else { return }
    _ = linux_epoll_remove(epoll.number, watch.descriptor.number)
  }

  /// Calls `handler` once, `milliseconds` from now, unless removed before.
  package func after(milliseconds: UInt64, handler: @escaping () -> Void) -> Token {
    lastToken += 1
    deadlines[lastToken] = Deadline(
      at: monotonicNanoseconds() + milliseconds * 1_000_000, handler: handler)
    companions.wakeLoop()
    return Token(number: lastToken)
  }

  /// Calls `handler` when what runs now is done, before anything else runs. What it asks for in
  /// turn waits for the loop.
  package func soon(_ handler: @escaping () -> Void) {
    guard !isCallingSoon else {
      _ = after(milliseconds: 0, handler: handler)
      return
    }
    next.append(handler)
    isNextEmpty = false
  }

  private func callSoon() {
    guard !isNextEmpty else { return }
    isCallingSoon = true
    for handler in next { handler() }
    next = []
    isNextEmpty = true
    isCallingSoon = false
  }

  /// Runs until `end()`. Its companions have no turn after that.
  package func run() throws(Errno) {
    try companions.start()
    defer { inTurn { companions.areOver = true } }
    var goesOn = true
    while goesOn {
      try turn()
      inTurn { goesOn = !isEnding }
    }
  }

  package func end() {
    isEnding = true
    companions.wakeLoop()
  }

  /// Waits once, for at most `milliseconds` (-1 for ever), and calls what is ready.
  package func turn(milliseconds limit: Int32 = -1) throws(Errno) {
    var wait = limit
    inTurn {
      callSoon()
      wait = isEnding ? 0 : patience(limit)
      companions.isLoopWaiting = true
    }
    // SAFETY: there is room for `eventsMax` events.
    let count = try checked(
      unsafe linux_epoll_wait(epoll.number, ready, Int32(Self.eventsMax), wait))
    inTurn {
      companions.isLoopWaiting = false
      for index in 0..<Int(count) {
        // SAFETY: one of the events that were fetched.
        let event = unsafe ready[index]
        guard let place = watches.place(of: event.token) else { continue }
        let handler = watches[at: place].handler
        handler(Readiness(rawValue: event.events))
      }
      if !deadlines.isEmpty { callDue() }
    }
  }

  /// Calls what is due. What a handler adds waits for the next turn, so none keeps the loop from
  /// its descriptors. Takes no memory once the scratch list has grown.
  private func callDue() {
    let now = monotonicNanoseconds()
    due.removeAll(keepingCapacity: true)
    for place in 0..<deadlines.count where deadlines[at: place].at <= now {
      due.append(deadlines.keys[place])
    }
    for index in due.indices { deadlines.remove(due[index])?.handler() }
  }

  /// Milliseconds until the next deadline, rounded up, and never more than `limit`.
  private func patience(_ limit: Int32) -> Int32 {
    guard !deadlines.isEmpty else { return limit }
    var next = UInt64.max
    for place in 0..<deadlines.count { next = min(next, deadlines[at: place].at) }
    let now = monotonicNanoseconds()
    let wait = Int32(clamping: next > now ? (next - now + 999_999) / 1_000_000 : 0)
    return limit < 0 ? wait : min(limit, wait)
  }

  // MARK: Companions

  /// Starts a thread with `run()` that waits for something by a call that blocks. Asking first what
  /// is ready costs a system call, which is much where one thing is asked for above all. It does
  /// everything but to wait in `alone`.
  package func beside(_ body: @escaping () -> Void) throws(Errno) {
    companions.bodies.append(body)
    try addBell()
  }

  private func addBell() throws(Errno) {
    guard companions.bell == nil else { return }
    let bell = try EventDescriptor()
    _ = try watch(bell.descriptor) { _ in bell.clear() }
    companions.bell = bell
  }

  /// Runs the loop on a thread of its own. From here on whoever made it touches what belongs to the
  /// loop in `alone` only.
  package func runBeside() throws(Errno) -> Thread {
    try addBell()
    // Before anybody has a turn: the thread may take its time to start.
    companions.areThere = true
    // SAFETY: the loop's thread and whoever asks for a turn share it by the lock.
    nonisolated(unsafe) let loop = self
    return try Thread { try? unsafe loop.run() }
  }

  /// Runs `body` while no handler of the loop and no other companion does anything. `false`, and
  /// nothing done, when the loop has ended: who ran it goes on as the only one.
  @discardableResult
  package func alone(_ body: () -> Void) -> Bool {
    var isOver = false
    inTurn {
      isOver = companions.areOver
      if !isOver { body() }
    }
    return !isOver
  }

  private func inTurn(_ body: () -> Void) {
    guard companions.areThere else {
      body()
      return callSoon()
    }
    companions.turn.withLock { _ in
      body()
      callSoon()
    }
  }
}

/// The threads beside a loop. But for `turn` only who has the turn touches it.
private final class Companions {
  let turn = Mutex<Void>(())
  /// Written before any of them starts.
  var areThere = false
  /// The loop has ended.
  var areOver = false
  /// Wakes the loop; `nil` without threads.
  var bell: EventDescriptor?
  var bodies: [() -> Void] = []
  /// The loop waits, and does not know what was added meanwhile.
  var isLoopWaiting = false

  func wakeLoop() {
    guard isLoopWaiting else { return }
    // Once is enough: it looks at everything when it wakes.
    isLoopWaiting = false
    bell?.ring()
  }

  func start() throws(Errno) {
    if !bodies.isEmpty { areThere = true }
    for body in bodies {
      // SAFETY: the body does nothing but to wait unless it has the turn, and so shares nothing
      // that another thread touches at the same time.
      nonisolated(unsafe) let body = body
      _ = try Thread { unsafe body() }
    }
    bodies = []
  }
}
