/// Events of signals that wait for a client, by priority. Each signal waits at most once, so there
/// are never more than the client has signals.
struct Backlog {
  /// A list whose first elements are taken already.
  private struct Queue {
    var handles: [SignalHandle] = []
    var taken = 0
  }

  private var queues = (0..<Limits.prioritiesMax).map { _ in Queue() }

  func isEmpty(_ priority: Int) -> Bool {
    queues[priority].taken == queues[priority].handles.count
  }

  mutating func append(_ handle: SignalHandle, _ priority: Int) {
    queues[priority].handles.append(handle)
  }

  func first(_ priority: Int) -> SignalHandle? {
    isEmpty(priority) ? nil : queues[priority].handles[queues[priority].taken]
  }

  /// Precondition: there is one.
  mutating func removeFirst(_ priority: Int) {
    queues[priority].taken += 1
    // Now and then the taken ones go; never more than half of the list is of them.
    if queues[priority].taken * 2 >= queues[priority].handles.count {
      queues[priority].handles.removeFirst(queues[priority].taken)
      queues[priority].taken = 0
    }
  }
}
