internal import LinuxSystem
internal import Tables

/// Who waits in poll(2) for which node, and how often each node changed.
///
/// The waiting ones lie with the slots, for a successor to wake: it does not know what changed
/// before it.
final class Pollers {
  private let slots: RequestSlots
  private let channel: KernelChannel
  /// How many wait.
  private var count = 0
  /// The one that is replaced next when there is room for no more.
  private var next = 0
  /// How often each node changed since this process began.
  private let changes = NumberTable<UInt64>()
  /// At this many, those of removed nodes are forgotten.
  private var changesMax = 4096

  init(in slots: RequestSlots, _ channel: KernelChannel) {
    self.slots = slots
    self.channel = channel
  }

  func changeCount(of node: NodeID) -> UInt64 {
    changes.place(of: node.rawValue).map { changes[at: $0] } ?? 0
  }

  /// Wakes whoever waits for a node, which changed. `exists` says whether a node does.
  func wake(_ node: NodeID, exists: (NodeID) -> Bool) {
    changes[at: changes.place(of: node.rawValue, inserting: 0)] += 1
    if changes.count > changesMax { forgetRemovedNodes(exists) }
    wake(node...node)
  }

  /// Wakes whoever waits for one of these nodes.
  func wake(_ nodes: ClosedRange<NodeID>) {
    guard count > 0 else { return }
    for index in 0..<RequestSlots.pollersMax
    where nodes.contains(NodeID(rawValue: slots[poller: index].node)) {
      wake(at: index)
    }
  }

  func wakeAll() {
    for index in 0..<RequestSlots.pollersMax { wake(at: index) }
    count = 0
  }

  /// Adds one by the kernel's handle of it. One that waits already may wait for something else.
  func add(_ handle: UInt64, waitingFor node: NodeID) {
    let known = place(of: handle)
    let free = known ?? place(of: 0)
    if free == nil { wake(at: next) }
    slots[poller: free ?? next] = (handle, node.rawValue)
    if known == nil { count += 1 }
    if free == nil { next = (next + 1) % RequestSlots.pollersMax }
  }

  private func place(of handle: UInt64) -> Int? {
    (0..<RequestSlots.pollersMax).first { slots[poller: $0].handle == handle }
  }

  private func wake(at index: Int) {
    let handle = slots[poller: index].handle
    guard handle != 0 else { return }
    slots[poller: index] = (0, 0)
    count -= 1
    channel.notifyPoll(handle)
  }

  /// Node numbers are never reused: what was counted for a removed one is of no use.
  private func forgetRemovedNodes(_ exists: (NodeID) -> Bool) {
    for node in changes.keys where !exists(NodeID(rawValue: node)) { _ = changes.remove(node) }
    changesMax = max(changesMax, 2 * changes.count)
  }
}
