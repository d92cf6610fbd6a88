internal import LinuxSystem
internal import VbusClient

/// A command at the other end of a stream. It ends when its input does; one that does not is ended
/// when nobody holds this any more.
package final class StreamCommand: Sendable {
  private let pid: Int32

  /// How long it may take to end by itself, and once it was asked to.
  private static let patienceMilliseconds: UInt32 = 500

  /// `pid` is a child of this process that nobody else collects.
  init(_ pid: Int32) { self.pid = pid }

  deinit {
    guard !hasEnded else { return }
    for signal in [Signal.terminate, Signal.kill] {
      try? send(signal: signal, to: pid)
      guard !hasEnded else { return }
    }
  }

  /// Waits a while.
  private var hasEnded: Bool {
    let deadline = Deadline(milliseconds: Self.patienceMilliseconds)
    while reap(pid) == nil {
      guard !deadline.hasPassed else { return false }
      pause(milliseconds: 2)
    }
    return true
  }
}
