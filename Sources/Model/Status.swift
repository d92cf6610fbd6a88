/// Where a device is in its life.
package enum Status: String, Hashable, Sendable, CaseIterable {
  /// Has no class yet.
  case untyped
  /// Has a class and is not enabled.
  case offline
  /// Its host side is open, and it is in no container.
  case enabled
  /// Live: a guest may attach.
  case listening
  /// A guest's driver uses it.
  case running
  /// Its guest broke a ring.
  case faulted
  /// Its host side or its engine is gone.
  case failed

  /// What an engine knows of a live device.
  package enum Engaged: Hashable, Sendable { case waiting, running, faulted }

  /// The one table of the life cycle. `engaged` is `nil` while no engine has the device.
  package init(isTyped: Bool, isEnabled: Bool, hasFailed: Bool, engaged: Engaged?) {
    self =
      switch (isTyped, isEnabled, hasFailed, engaged) {
      case (false, _, _, _): .untyped
      case (true, false, _, _): .offline
      case (true, true, true, _): .failed
      case (true, true, false, nil): .enabled
      case (true, true, false, .waiting?): .listening
      case (true, true, false, .running?): .running
      case (true, true, false, .faulted?): .faulted
      }
  }
}
