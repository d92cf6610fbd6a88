/// What an engine has to do because of a message that the session has accepted.
///
/// The session has changed already. The descriptors of the message are those named here, in order.
/// When the engine cannot do it, it answers with `Outcome.refused`.
package enum Effect: Sendable, Equatable {
  /// The three doorbells of a queue.
  package enum Bell: String, Sendable { case kick, call, error }

  /// Nothing but the reply.
  case none
  /// The driver's features are known now, or others than before.
  case featuresAcked
  /// `session.regions` is the table now, its descriptors in that order; every earlier one is void.
  /// Ring addresses have to be translated again.
  case memoryReplaced(removed: [Region])
  case regionAdded(Region)
  case regionRemoved(Region)
  /// Size, addresses, base or state changed: compare `session.isRunning(index)`. A queue that ran
  /// and no longer does is told to `session.recordStop(of:at:)`.
  case queueChanged(Int)
  /// All queues at once.
  case queuesChanged
  /// A doorbell was given (one descriptor came) or declared absent (none). A kick starts the queue.
  case doorbell(Bell, queue: Int, isGiven: Bool)
  /// The queue ran and is stopped: finish, then `session.recordStop(of:at:)`, then reply.
  case queueStopped(Int)
  /// An in-band kick: look into the queue.
  case kicked(Int)
  /// Answer with `Outcome.configuration`.
  case readConfiguration(offset: Int, count: Int)
  /// `isMigration`: read-only fields may be written too (SET_CONFIG, flags 1).
  case writeConfiguration(offset: Int, bytes: [UInt8], isMigration: Bool)
  /// One descriptor came: the channel for messages of our own.
  case backendChannel
  /// The driver's status byte. 0 is its reset, after which faults are forgotten; queues are stopped
  /// by other messages.
  case statusChanged(UInt8)
  /// The device is as new: all queues stopped, faults forgotten. Memory and channel stay.
  case reset
}

/// How carrying out an effect went.
package enum Outcome: Sendable, Equatable {
  case done
  case configuration([UInt8])
  case refused
}
