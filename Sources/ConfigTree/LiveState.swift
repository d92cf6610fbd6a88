/// What the engine reports of one queue.
package struct QueueState: Hashable, Sendable {
  package enum State: String, Hashable, Sendable { case stopped, running, faulted }

  package var size: UInt32
  package var state: State
  /// The next entry the device takes from the driver.
  package var availableIndex: UInt16
  /// The next entry the device gives back.
  package var usedIndex: UInt16
  package var kicks: UInt64
  package var interrupts: UInt64

  package init(
    size: UInt32 = 0, state: State = .stopped, availableIndex: UInt16 = 0, usedIndex: UInt16 = 0,
    kicks: UInt64 = 0, interrupts: UInt64 = 0
  ) {
    self.size = size
    self.state = state
    self.availableIndex = availableIndex
    self.usedIndex = usedIndex
    self.kicks = kicks
    self.interrupts = interrupts
  }
}

/// What the engine reports of a live device.
package struct LiveState: Hashable, Sendable {
  /// A front end is attached.
  package var isConnected: Bool
  /// The guest's driver said that it is ready, or its rings run.
  package var isRunning: Bool
  /// The feature bits the guest's driver accepted.
  package var acked: UInt64
  /// Which rule the guest broke, as a sentence; `nil` when none.
  package var fault: String?
  /// Why the host side is gone, as a sentence; `nil` while it is there.
  package var hostFailure: String?
  package var queues: [QueueState]
  /// In the order of the class's table.
  package var counters: [UInt64]

  package init(
    isConnected: Bool = false, isRunning: Bool = false, acked: UInt64 = 0, fault: String? = nil,
    hostFailure: String? = nil, queues: [QueueState] = [], counters: [UInt64] = []
  ) {
    self.isConnected = isConnected
    self.isRunning = isRunning
    self.acked = acked
    self.fault = fault
    self.hostFailure = hostFailure
    self.queues = queues
    self.counters = counters
  }
}

/// What is known of a container's engine process.
package struct EngineState: Hashable, Sendable {
  /// `nil` while no process runs.
  package var pid: Int32?
  /// One word: `stopped`, `starting`, `running`, `failed`.
  package var status: String
  package var restarts: UInt64

  package init(pid: Int32? = nil, status: String = "stopped", restarts: UInt64 = 0) {
    self.pid = pid
    self.status = status
    self.restarts = restarts
  }
}
