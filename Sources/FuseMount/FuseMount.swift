package import LinuxSystem
internal import Tables

/// Serves a `Tree` to the kernel: requests, replies, open files, pollers. Knows no device.
///
/// One thread, one request at a time. Requests that are answered later keep their slot; a
/// successor of this process finds them there and serves them from the start.
package final class FuseMount {
  let tree: any Tree
  let slots: RequestSlots
  var handles: Handles
  private let fuse: Descriptor
  private let loop: EventLoop
  private let recall: (Request) -> Answer?
  private let onEnd: () -> Void
  private var isTakingUp = false
  private var token: EventLoop.Token?
  /// A bit for each slot, set while it is free.
  private var freeSlots: UInt128 = 0
  private var pending: [UInt64: Pending] = [:]
  private var session: Session?
  /// How often each node changed since this process began.
  private let changes = NumberTable<UInt64>()
  /// At this many, those of removed nodes are forgotten.
  private var changesMax = 4096
  private var nextPoller = 0
  /// Entries of pollers in use: mostly none, and then there is nothing to look through.
  private var pollerCount = 0

  /// The request that is being served.
  private(set) var current = Request(unique: 0, slot: 0, uid: 0, gid: 0, pid: 0)
  private var currentNode = NodeID.root
  /// Whether its answer is still to be sent, now or later.
  private var isCurrentOpen = false

  private struct Pending {
    let slot: Int
    let reply: PendingReply
  }

  /// How long the kernel remembers what lasts. Nothing depends on the figure.
  static let memorySeconds = 60.0

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
    self.fuse = fuse
    self.slots = slots
    self.loop = loop
    self.recall = recall
    self.onEnd = onEnd
    handles = Handles(after: realtimeNanoseconds())
    session = try Session(of: self, on: fuse)
  }

  /// Takes up what a predecessor left, then serves the kernel from the loop.
  package func start() throws(Errno) {
    try fuse.setNonblocking(true)
    let unanswered = slots.occupied
    freeSlots = unanswered.reduce(UInt128.max) { $0 & ~(1 << UInt128($1)) }
    if !slots.initRequest.isEmpty {
      let isNew = unanswered.contains { slots.header(of: $0).operation == .initialize }
      if !isNew { session?.process(slots.initRequest) }
    }
    wakeAll()
    token = try loop.watch(fuse) { [unowned self] _ in self.serveWaiting() }
    isTakingUp = true
    for slot in unanswered {
      if slots.noteAttempt(on: slot) > Self.attemptsMax { giveUp(slot) } else { serve(slot) }
    }
    isTakingUp = false
  }

  /// Gives the answer of an operation that had answered `.later`.
  package func finish(_ request: Request, _ result: Result<Answer, TreeError>) {
    pending[request.unique]?.reply.send(result, from: self)
  }

  /// Makes the kernel forget the attributes of what an operation touched.
  ///
  /// It is safe from within the operation: forgetting attributes takes no lock that is held while
  /// a request waits. An answer with older attributes that is still on its way to its caller does
  /// not count any more, for the kernel numbers them. But it numbers no attributes of a node it
  /// has never heard of. So what lasts has to be touched only under the lock of its directory, or
  /// where it cannot be new to the kernel: as a directory above what is open. (The time of change
  /// of a file that nobody wrote is not held so strictly.)
  func forgetTouched(at node: NodeID) {
    for touched in tree.touched(at: node) { forget(touched) }
  }

  /// Makes the kernel ask for the attributes of one node again.
  func forget(_ node: NodeID) { forgetAttributes(of: node, on: fuse) }

  // MARK: Requests

  /// One request a turn: to ask for a second one, where one alone waits as a rule, costs more than
  /// the loop's own question. It also leaves other descriptors their turns.
  private func serveWaiting() {
    guard freeSlots != 0 else { return }
    let slot = freeSlots.trailingZeroBitCount
    freeSlots &= ~(1 << UInt128(slot))
    do throws(Errno) { try slots.read(from: fuse, into: slot) } catch {
      release(slot)
      // ENOENT: the request was taken back before it could be read.
      if error == .noDevice || error == .badDescriptor { end() }
      return
    }
    serve(slot)
    if freeSlots == 0, let token { try? loop.rewatch(token, for: []) }
  }

  private func serve(_ slot: Int) {
    let header = slots.header(of: slot)
    if header.operation == .initialize { slots.initRequest = slots.request(in: slot) }
    if header.operation == .interrupt { return interrupt(in: slot) }
    current = Request(
      unique: header.unique, slot: slot, uid: header.uid, gid: header.gid,
      pid: Int32(bitPattern: header.pid))
    currentNode = NodeID(rawValue: header.node)
    isCurrentOpen = true
    session?.process(slot, of: slots)
    if header.operation?.isUnanswered == true {
      answered(header.unique)
    } else {
      slots.requestCount &+= 1
    }
  }

  /// Past libfuse, which does not know what waits here. An INTERRUPT wants no answer, and one about a
  /// request that was answered meanwhile means nothing.
  private func interrupt(in slot: Int) {
    let unique = slots.interrupted(in: slot)
    release(slot)
    if pending[unique] != nil { tree.interrupt(unique) }
  }

  private func giveUp(_ slot: Int) {
    refuse(slots.header(of: slot).unique, .inputOutput, on: fuse)
    slots.free(slot)
    freeSlots |= 1 << UInt128(slot)
  }

  /// Frees the slot of a request whose answer is with the kernel.
  func answered(_ unique: UInt64) {
    if isCurrentOpen, unique == current.unique {
      isCurrentOpen = false
      release(current.slot)
    } else if let answered = pending.removeValue(forKey: unique) {
      release(answered.slot)
    }
  }

  private func release(_ slot: Int) {
    let wereAllTaken = freeSlots == 0
    slots.free(slot)
    freeSlots |= 1 << UInt128(slot)
    if wereAllTaken, let token { try? loop.rewatch(token, for: .readable) }
  }

  private func end() {
    guard let token else { return }
    loop.remove(token)
    self.token = nil
    onEnd()
  }

  /// Answers `reply` with what the tree answered, now or later.
  func settle(
    _ reply: consuming Reply, _ shape: PendingReply.Shape,
    _ operation: (any Tree, Request) throws(TreeError) -> Answer
  ) {
    let box = PendingReply(reply, shape, at: currentNode)
    if isTakingUp, let answer = recall(current) { return box.send(.success(answer), from: self) }
    guard isTakingUp || pending.count < Self.pendingMax else {
      return box.send(.failure(TreeError(.again)), from: self)
    }
    do {
      let answer = try operation(tree, current)
      if answer == .later {
        isCurrentOpen = false
        pending[current.unique] = Pending(slot: current.slot, reply: box)
      } else {
        box.send(.success(answer), from: self)
      }
    } catch { box.send(.failure(error), from: self) }
  }

  // MARK: Pollers

  /// Says that the text of a node changed: whoever polls it is woken.
  package func wake(_ node: NodeID) {
    changes[at: changes.place(of: node.rawValue, inserting: 0)] += 1
    if changes.count > changesMax { forgetRemovedNodes() }
    guard pollerCount > 0 else { return }
    for index in 0..<RequestSlots.pollersMax where slots[poller: index].node == node.rawValue {
      wakePoller(index)
    }
  }

  /// Node numbers are never reused: what was counted for a removed one is of no use.
  private func forgetRemovedNodes() {
    for node in changes.keys where (try? tree.attributes(of: NodeID(rawValue: node))) == nil {
      _ = changes.remove(node)
    }
    changesMax = max(changesMax, 2 * changes.count)
  }

  /// Says that these nodes are gone: whoever polls one of them is woken.
  package func wake(_ nodes: ClosedRange<NodeID>) {
    guard pollerCount > 0 else { return }
    for index in 0..<RequestSlots.pollersMax
    where nodes.contains(NodeID(rawValue: slots[poller: index].node)) {
      wakePoller(index)
    }
  }

  /// Wakes every poller: a new process does not know what changed before it.
  private func wakeAll() {
    pollerCount = (0..<RequestSlots.pollersMax).count { slots[poller: $0].handle != 0 }
    for index in 0..<RequestSlots.pollersMax { wakePoller(index) }
  }

  private func wakePoller(_ index: Int) {
    let handle = slots[poller: index].handle
    guard handle != 0 else { return }
    slots[poller: index] = (0, 0)
    pollerCount -= 1
    notifyPoll(handle, on: fuse)
  }

  /// Answers a poll: what is ready, and whether the node changed since this open read it, or is
  /// gone. With a kernel handle the caller waits, and is woken at the next change.
  func poll(_ node: NodeID, handle: UInt64, waiting kernelHandle: UInt64?) -> UInt32 {
    if let kernelHandle {
      let known = (0..<RequestSlots.pollersMax).first {
        slots[poller: $0].handle == kernelHandle
      }
      let free = known ?? (0..<RequestSlots.pollersMax).first { slots[poller: $0].handle == 0 }
      if free == nil { wakePoller(nextPoller) }
      if known == nil { pollerCount += 1 }
      slots[poller: free ?? nextPoller] = (kernelHandle, node.rawValue)
      if free == nil { nextPoller = (nextPoller + 1) % RequestSlots.pollersMax }
    }
    let always = Readiness([.readable, .writable])
    let seen = handles.files[handle]?.seenChange
    guard let seen, seen == changeCount(of: node), (try? tree.attributes(of: node)) != nil
    else {
      return always.union([.urgent, .failed]).rawValue
    }
    return always.rawValue
  }

  /// A text as an open sees it: the snapshot it has, or a new one when it reads from the start.
  func read(_ node: NodeID, handle: UInt64, from offset: Int) throws(TreeError) -> [UInt8] {
    if offset > 0, let snapshot = handles.files[handle]?.snapshot { return snapshot }
    let text = try tree.text(of: node)
    let place = handles.files.place(of: handle, inserting: .init())
    handles.files[at: place].snapshot = text
    handles.files[at: place].seenChange = changeCount(of: node)
    return text
  }

  private func changeCount(of node: NodeID) -> UInt64 {
    changes.place(of: node.rawValue).map { changes[at: $0] } ?? 0
  }

  /// A directory's entries as an open sees them, taken when it is read from the start.
  func list(
    _ node: NodeID, handle: UInt64, from offset: Int
  ) throws(TreeError) -> [DirectoryEntry] {
    if offset > 0, let entries = handles.directories[handle] { return entries }
    let entries = try tree.entries(of: node)
    handles.directories[handle] = entries
    return entries
  }

  /// Stores what a write carries, and says whether it continues the write before it.
  func store(
    _ text: [UInt8], in node: NodeID, handle: UInt64, offset: UInt64, _ reply: consuming Reply
  ) {
    let end = handles.files[handle]?.writeEnd
    let isContinuation = end != nil && offset == end && offset > 0
    let place = handles.files.place(of: handle, inserting: .init())
    handles.files[at: place].writeEnd = offset + UInt64(text.count)
    let opener = handles.files[at: place].opener
    settle(reply, .written(text.count)) { (tree, request) throws(TreeError) in
      var request = request
      request.opener = opener
      return try tree.store(text, in: node, isContinuation: isContinuation, request)
    }
  }
}
