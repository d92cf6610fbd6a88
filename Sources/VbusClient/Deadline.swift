internal import LinuxSystem

/// The moment until which something is waited for.
package struct Deadline: Sendable {
  private let nanoseconds: UInt64

  package init(milliseconds: UInt32) {
    nanoseconds = monotonicNanoseconds() + UInt64(milliseconds) * 1_000_000
  }

  package var hasPassed: Bool { monotonicNanoseconds() >= nanoseconds }

  /// Milliseconds that are left, rounded up.
  package var rest: Int32 {
    let now = monotonicNanoseconds()
    guard now < nanoseconds else { return 0 }
    return Int32(clamping: (nanoseconds - now + 999_999) / 1_000_000)
  }
}
