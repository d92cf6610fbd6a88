import LinuxSystem
import Synchronization
import VbusLink

/// The host's end of a bus, on a thread of its own: one client, and devices that do a little.
///
/// All that a host may do wrong it does when it is told to.
final class Host: Sendable {
  struct Behaviour: Sendable {
    /// Ids and interface types that are there at first.
    var devices: [(id: UInt32, type: String)] = [(0, "virtual-ethernet"), (1, "virtual-disk")]
    /// How many events are sent for each message that comes.
    var eventsAtOnce = Int.max
    /// Every reply comes twice.
    var repliesTwice = false
    /// Every event comes twice.
    var tellsTwice = false
    /// Requests that are not answered.
    var silentAt: Verb?
    /// The connection ends instead of an answer.
    var endsAt: Verb?
    /// These bytes come before every reply.
    var babble: [UInt8]?
    /// What is answered where a number is due.
    var answers: [Verb: UInt64] = [:]
    /// Events come whether they are of anything or not.
    var rumours: [Event] = []
    /// Every request of these is refused.
    var refuses: [Verb: Errno] = [:]
    var capabilities = Capabilities.implemented
    /// What is written to event queues in place of records.
    var record: [UInt8]?
    /// A frame that comes to a card when its link is up.
    var greeting: [UInt8]?
    /// What the device claims to have written, in place of how much it did.
    var written: UInt32?
  }

  enum Command: Sendable {
    case add(UInt32, String)
    case drop(UInt32)
    /// The configuration space of every open device changes.
    case change
    /// Open devices leave what is posted until the opposite is told.
    case hold(Bool)
    case end
  }

  /// The client's end.
  let channel: Channel
  private let commands = Commands()
  private let wake: EventDescriptor

  private final class Commands: Sendable {
    private let list = Mutex<[Command]>([])
    private let told = Atomic<Int>(0)
    private let carriedOut = Atomic<Int>(0)

    var areAllCarriedOut: Bool {
      carriedOut.load(ordering: .acquiring) == told.load(ordering: .acquiring)
    }

    func append(_ command: Command) {
      told.add(1, ordering: .acquiringAndReleasing)
      list.withLock { $0.append(command) }
    }

    func noteCarriedOut() { carriedOut.add(1, ordering: .acquiringAndReleasing) }

    func take() -> [Command] {
      list.withLock { list in
        defer { list = [] }
        return list
      }
    }
  }

  /// The thread ends when nobody has the client's end any more.
  convenience init(_ behaviour: Behaviour = Behaviour()) throws {
    let (near, far) = try Channel.pair()
    try self.init(behaviour, near: near, far: far)
  }

  init(_ behaviour: Behaviour, near: Channel, far: Channel) throws {
    channel = near
    wake = try EventDescriptor()
    _ = try Thread { [wake, commands] in
      do {
        let loop = try HostLoop(far, wake, behaviour)
        try loop.run({ commands.take() }, done: { commands.noteCarriedOut() })
      } catch {}
      disconnect(far.descriptor)
    }
  }

  func tell(_ command: Command) {
    commands.append(command)
    wake.ring()
  }

  /// Tells, and waits until it is carried out.
  func tellAndWait(_ command: Command) {
    tell(command)
    while !commands.areAllCarriedOut { pause(milliseconds: 1) }
  }
}
