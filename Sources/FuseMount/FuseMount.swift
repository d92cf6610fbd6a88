internal import CFuse
package import LinuxSystem
internal import Tables

/// Serves a `Tree` to the kernel: requests, replies, open files, pollers. Knows no device.
///
/// It speaks the kernel's protocol itself, because a request has to lie in its slot until it is
/// answered, possibly by another process than the one that read it: there is no state of a
/// connection beside the slots, and nothing to settle anew after a death.
///
/// One request at a time, in the turns of the loop. Requests that are answered later keep their slot; a
/// successor of this process finds them there and serves them from the start.
package final class FuseMount {
  let tree: any Tree
  let slots: RequestSlots
  let channel: KernelChannel
  let handles: Handles
  let pollers: Pollers
  private let loop: EventLoop
  private let recall: (Request) -> Answer?
  private let onEnd: () -> Void
  private var isTakingUp = false
  /// Rung when a slot is free and the reader waits for one.
  private let room: EventDescriptor
  private var isWaitingForRoom = false
  /// A bit for each slot, set while it is free.
  private var freeSlots: UInt128 = 0
  private var pending: [UInt64: Pending] = [:]

  /// A change that is answered later.
  private struct Pending {
    let slot: Int
    let change: Change
  }

  /// An operation that changes the tree, as far as its answer depends on it.
  struct Change {
    /// What the kernel expects in answer to the operation.
    enum Shape {
      case status, entry, attributes, written(Int)
    }

    let shape: Shape
    /// The file, or the directory of the name.
    let node: NodeID
  }

  /// How long the kernel remembers what lasts, in seconds. Nothing depends on the figure.
  static let memorySeconds: UInt64 = 60

  /// How many successors take a request up. One that ends each of them is answered with EIO, so
  /// that a mistake of ours costs one request and not the whole tree.
  private static let attemptsMax = 8

  /// Changes that wait for another process at once. The other slots are for looking and for short
  /// changes: slow ones must not make the whole tree wait.
  private static let pendingMax = 96

  /// Serves `tree` on an open /dev/fuse descriptor. `recall` answers a change that a predecessor
  /// made and perhaps did not answer; `onEnd` is called once, when the file system is unmounted.
  package init(
    _ tree: any Tree, on fuse: Descriptor, slots: RequestSlots, loop: EventLoop,
    recall: @escaping (Request) -> Answer?, onEnd: @escaping () -> Void
  ) throws(Errno) {
    self.tree = tree
    self.slots = slots
    self.loop = loop
    self.recall = recall
    self.onEnd = onEnd
    channel = KernelChannel(fuse: fuse)
    handles = Handles(after: realtimeNanoseconds())
    pollers = Pollers(in: slots, channel)
    room = try EventDescriptor()
  }

  /// Takes up what a predecessor left, then serves the kernel beside the loop, which keeps this
  /// object.
  package func start() throws(Errno) {
    try channel.fuse.setNonblocking(false)
    let unanswered = slots.occupied
    freeSlots = unanswered.reduce(UInt128.max) { $0 & ~(1 << UInt128($1)) }
    pollers.wakeAll()
    isTakingUp = true
    for slot in unanswered {
      if slots.noteAttempt(on: slot) > Self.attemptsMax { giveUp(slot) } else { serve(slot) }
    }
    isTakingUp = false
    try loop.beside { self.serveKernel() }
  }

  // MARK: Requests

  /// Reads requests and serves them until the file system is unmounted or the loop has ended. A
  /// request that comes too late for the loop stays in its slot.
  private func serveKernel() {
    var next: Int?
    var goesOn = loop.alone { next = takeSlot() }
    while goesOn {
      guard let slot = next else {
        _ = wait(on: room.descriptor, milliseconds: -1)
        room.clear()
        goesOn = loop.alone { next = takeSlot() }
        continue
      }
      do throws(Errno) {
        try slots.read(from: channel.fuse, into: slot)
        goesOn = loop.alone {
          serve(slot)
          next = takeSlot()
        }
      } catch {
        // Only this says that the file system is unmounted. After any other the kernel has taken
        // one request back (ENOENT) or failed it, and has the next.
        guard error == .noDevice else { continue }
        goesOn = false
        loop.alone { onEnd() }
      }
    }
  }

  private func takeSlot() -> Int? {
    isWaitingForRoom = freeSlots == 0
    guard freeSlots != 0 else { return nil }
    let slot = freeSlots.trailingZeroBitCount
    freeSlots &= ~(1 << UInt128(slot))
    return slot
  }

  private func serve(_ slot: Int) {
    let request = slots.request(in: slot)
    let reply: Reply
    do throws(TreeError) { reply = try perform(request) } catch { reply = .refused(error) }
    switch reply {
    case .later: slots.requestCount &+= 1
    case .silence: release(slot)
    default:
      slots.requestCount &+= 1
      channel.send(reply, to: request.header.unique)
      release(slot)
    }
  }

  private func giveUp(_ slot: Int) {
    channel.send(.refused(TreeError(.inputOutput)), to: slots.request(in: slot).header.unique)
    release(slot)
  }

  private func release(_ slot: Int) {
    slots.free(slot)
    freeSlots |= 1 << UInt128(slot)
    if isWaitingForRoom { room.ring() }
  }

  // MARK: Changes

  /// Does what changes the tree, or recalls that a predecessor did.
  func settle(
    _ message: KernelRequest, _ shape: Change.Shape,
    _ operation: (Request) throws(TreeError) -> Answer
  ) -> Reply {
    let change = Change(shape: shape, node: message.node)
    let request = Request(message)
    if isTakingUp, let answer = recall(request) { return reply(.success(answer), to: change) }
    guard isTakingUp || pending.count < Self.pendingMax else { return .refused(TreeError(.again)) }
    do throws(TreeError) {
      let answer = try operation(request)
      guard answer == .later else { return reply(.success(answer), to: change) }
      pending[request.unique] = Pending(slot: message.slot, change: change)
      return .later
    } catch { return reply(.failure(error), to: change) }
  }

  /// Gives the answer of an operation that had answered `.later`.
  package func finish(_ request: Request, _ result: Result<Answer, TreeError>) {
    guard let ended = pending.removeValue(forKey: request.unique) else { return }
    channel.send(reply(result, to: ended.change), to: request.unique)
    release(ended.slot)
  }

  /// Whoever asked for a change that is under way does not want to wait longer. An INTERRUPT wants
  /// no answer, and one about a request that was answered meanwhile means nothing.
  func interrupt(_ unique: UInt64) {
    if pending[unique] != nil { tree.interrupt(unique) }
  }

  /// What the kernel remembers of the nodes that a change touched it is told to forget before it
  /// is answered, so that whoever goes on after the answer sees the change. Before, too, because a
  /// process that is killed in between leaves the request unanswered: its successor comes here.
  ///
  /// It is safe from within the operation: forgetting attributes takes no lock that is held while
  /// a request waits. An answer with older attributes that is still on its way to its caller does
  /// not count any more, for the kernel numbers them. But it numbers no attributes of a node it
  /// has never heard of. So what lasts has to be touched only under the lock of its directory, or
  /// where it cannot be new to the kernel: as a directory above what is open. (The time of change
  /// of a file that nobody wrote is not held so strictly.)
  private func reply(_ result: Result<Answer, TreeError>, to change: Change) -> Reply {
    do throws(TreeError) {
      let answer = try result.get()
      tree.touched(at: change.node) { channel.forgetAttributes(of: $0) }
      switch (answer, change.shape) {
      case (.entry(let node), .entry): return .entry(try tree.attributes(of: node))
      case (_, .attributes): return .attributes(try tree.attributes(of: change.node))
      case (_, .written(let count)): return .written(count)
      case (_, .status), (_, .entry): return .done
      }
    } catch {
      // A value that was in force and was taken back may have been looked at meanwhile.
      channel.forgetAttributes(of: change.node)
      return .refused(error)
    }
  }

  /// Tells the kernel to ask for a node's attributes again: they changed by no request of its own.
  package func forget(_ node: NodeID) { channel.forgetAttributes(of: node) }

  // MARK: Pollers

  /// Says that the text of a node changed: whoever polls it is woken.
  package func wake(_ node: NodeID) {
    pollers.wake(node) { (try? self.tree.attributes(of: $0)) != nil }
  }

  /// Says that these nodes are gone: whoever polls one of them is woken.
  package func wake(_ nodes: ClosedRange<NodeID>) { pollers.wake(nodes) }
}

extension Request {
  fileprivate init(_ message: KernelRequest) {
    self.init(
      unique: message.header.unique, slot: message.slot, uid: message.header.uid,
      gid: message.header.gid, pid: Int32(bitPattern: message.header.pid))
  }
}
