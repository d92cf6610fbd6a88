internal import CLinux
internal import Glibc
internal import Synchronization

/// The thread on which a process closes what strangers sent it, and asks what that is.
///
/// Closing a file of FUSE, NFS or the like sends a request (FLUSH) to whoever answers for it and
/// waits for him, for ever if he wants it; each close(2) does, so duplicating does not help. Whoever
/// lets go of it last may have to wait too, without ever having had a descriptor of it: the kernel
/// writes back what was written, for the reader of a message that has no room for it and for who
/// closes a socket with unread messages. So a process that has begun its quarantine takes all that
/// comes, and what may wait is closed by this thread, sockets of strangers too.
///
/// One that does wait has all others wait behind it, open. When they are `countMax`, no message with
/// descriptors is taken and no connection accepted any more: who sends one is disconnected, and his
/// socket waits as well. Whoever is there already is served as before. That lasts until the thread
/// goes on; nor can the process end before.
package final class Quarantine: Sendable {
  /// Behind one that takes its time: far above what comes by mistake.
  package static let countMax = 256
  /// Behind one another: many that close at once do not wait. Far below the limits of descriptors
  /// of a process and of orders in a pipe.
  private static let countMaxAtOnce = 4096
  /// What takes longer to close waits for somebody.
  private static let closingNanoseconds: UInt64 = 20_000_000

  private struct Asking {
    var question: UInt32 = 0
    var silentUntil: UInt64 = 0
  }

  private static let ofProcess = Mutex<Quarantine?>(nil)

  /// How long the loop waits for what a file is; a moment on any but a remote file system.
  private static let patienceMilliseconds: UInt64 = 200
  /// How long nothing is asked after that was in vain, so that strangers cannot take up the loop.
  private static let silenceMilliseconds: UInt64 = 60_000

  private let orders: Descriptor
  private let answers: Descriptor
  private let waiting = Atomic<Int>(0)
  /// When the thread began to close what it is closing; 0 while it closes nothing.
  private let closingSince = Atomic<UInt64>(0)
  private let asking = Mutex(Asking())

  private init(orders: Descriptor, answers: Descriptor) {
    self.orders = orders
    self.answers = answers
  }

  /// Starts the thread, once. Before the process is confined, which allows no new thread.
  package static func begin() throws(Errno) {
    let (orders, ours) = try makePipe()
    let (theirs, answers) = try makePipe()
    // A full pipe must not hold up the loop.
    try ours.setNonblocking(true)
    let quarantine = Quarantine(orders: ours, answers: theirs)
    _ = try Thread { quarantine.work(orders, answers) }
    ofProcess.withLock { $0 = quarantine }
    // The thread has begun when it answers: what the C library does at its start may be refused to
    // a confined process.
    guard quarantine.order(orders.number, question: .max), Self.pair(from: theirs) != nil else {
      throw .inputOutput
    }
  }

  /// Whether nothing more is to be taken from strangers.
  package static var isFull: Bool { ofProcess.withLock { $0 }?.isFull == true }

  private var isFull: Bool {
    let count = waiting.load(ordering: .relaxed)
    guard count >= Self.countMax, count < Self.countMaxAtOnce else {
      return count >= Self.countMaxAtOnce
    }
    let since = closingSince.load(ordering: .relaxed)
    return since != 0 && monotonicNanoseconds() &- since > Self.closingNanoseconds
  }

  /// For how many descriptors a message needs room of which so many are wanted. Throws
  /// `.tooManyOpenFiles` where the one that waits brings some, and none is wanted or can be taken:
  /// a process that starts others would have each of them wait, who close what they get from it.
  package static func room(for wanted: Int, from socket: Descriptor) throws(Errno) -> Int {
    guard ofProcess.withLock({ $0 != nil }) else { return wanted }
    guard wanted > 0 && !isFull || linux_brings_descriptors(socket.number) == 0 else {
      throw .tooManyOpenFiles
    }
    return Int(LINUX_DESCRIPTORS_MAX)
  }

  /// Has a descriptor closed; `false` where its owner closes it, for the process has no quarantine.
  static func close(_ number: Int32) -> Bool {
    guard let quarantine = ofProcess.withLock({ $0 }) else { return false }
    quarantine.waiting.add(1, ordering: .relaxed)
    guard !quarantine.order(number, question: 0) else { return true }
    quarantine.waiting.subtract(1, ordering: .relaxed)
    // Of so many that there is no room, sockets are our own; what else came so far stays open.
    return !isSocket(number)
  }

  /// Whether a file is remote, or does not tell in time; nil where the process has no quarantine.
  static func isRemote(_ number: Int32) -> Bool? {
    ofProcess.withLock { $0 }.map { $0.ask(number) }
  }

  private func ask(_ number: Int32) -> Bool {
    asking.withLock { asking in
      let now = monotonicNanoseconds()
      guard now >= asking.silentUntil else { return true }
      asking.question = max(1, asking.question &+ 1)
      guard order(number, question: asking.question) else { return true }
      let end = now + Self.patienceMilliseconds * 1_000_000
      // Answers to former questions may have come meanwhile.
      while let (question, isRemote) = answer(until: end) {
        if question == asking.question { return isRemote }
      }
      asking.silentUntil = monotonicNanoseconds() + Self.silenceMilliseconds * 1_000_000
      return true
    }
  }

  private func answer(until end: UInt64) -> (question: UInt32, isRemote: Bool)? {
    let now = monotonicNanoseconds()
    guard now < end, wait(on: answers, milliseconds: Int32((end - now) / 1_000_000 + 1)),
      let (question, isRemote) = Self.pair(from: answers)
    else { return nil }
    return (question, isRemote != 0)
  }

  /// Has a question about a descriptor answered, or with 0 the descriptor closed.
  private func order(_ number: Int32, question: UInt32) -> Bool {
    (try? Self.put(question, UInt32(bitPattern: number), to: orders)) != nil
  }

  // MARK: The thread

  private func work(_ orders: Descriptor, _ answers: Descriptor) {
    // They are for the loop.
    linux_block_signals()
    while let (question, number) = Self.pair(from: orders) {
      let number = Int32(bitPattern: number)
      guard question == 0 else {
        try? Self.put(question, UInt32(linux_is_remote(number)), to: answers)
        continue
      }
      closingSince.store(monotonicNanoseconds(), ordering: .relaxed)
      _ = Glibc.close(number)
      closingSince.store(0, ordering: .relaxed)
      waiting.subtract(1, ordering: .relaxed)
    }
  }

  // MARK: Pairs of numbers, which a pipe takes whole or not at all

  private static func put(
    _ first: UInt32, _ second: UInt32, to pipe: Descriptor
  ) throws(Errno) {
    var wire = WireWriter()
    wire.put(first)
    wire.put(second)
    try write(wire.bytes, to: pipe)
  }

  /// Waits for a pair; nil at the end of the pipe.
  private static func pair(from pipe: Descriptor) -> (UInt32, UInt32)? {
    while true {
      do throws(Errno) {
        var wire = WireReader(try read(pipe, upTo: 8))
        guard let first = try? wire.uint32(), let second = try? wire.uint32() else { return nil }
        return (first, second)
      } catch { if error != .interrupted { return nil } }
    }
  }
}
