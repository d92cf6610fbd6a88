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
      // A group of its own could not ask at the terminal for a password, say.
      for member in Self.family(of: pid) { try? send(signal: signal, to: member) }
      guard !hasEnded else { return }
    }
  }

  /// A process, first, and all that it started and that has not left it.
  private static func family(of pid: Int32) -> [Int32] {
    guard let bytes = try? readFile("/proc/\(pid)/task/\(pid)/children") else { return [pid] }
    let children = String(decoding: bytes, as: UTF8.self).split(separator: " ")
    return [pid] + children.compactMap { Int32($0) }.flatMap(family)
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
