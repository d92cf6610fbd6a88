/// A signal of a session, found by its handle.
struct SignalState {
  let share: Share
  var event = PendingEvent.none

  /// What waits to be told.
  enum PendingEvent {
    case none
    case raised
    /// The last event; the handle is as good as gone.
    case closed
  }
}
