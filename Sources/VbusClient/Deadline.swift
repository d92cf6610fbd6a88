internal import LinuxSystem

/// The moment until which something is waited for; or never.
package struct Deadline: Sendable {
  /// The largest number stands for never.
  private let nanoseconds: UInt64

  /// It does not pass.
  package static let never = Deadline(nanoseconds: .max)

  private init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  /// So many milliseconds from now on.
  package init(milliseconds: UInt32) {
    nanoseconds = monotonicNanoseconds() + UInt64(milliseconds) * 1_000_000
  }

  /// Less than 0 milliseconds: never.
  package init(orNever milliseconds: Int32) {
    self = milliseconds < 0 ? .never : Deadline(milliseconds: UInt32(milliseconds))
  }

  /// Whether it is over.
  package var hasPassed: Bool { rest == 0 }

  /// Milliseconds that are left, rounded up; -1 when it never passes, as poll(2) takes it.
  package var rest: Int32 {
    guard nanoseconds != .max else { return -1 }
    let now = monotonicNanoseconds()
    guard now < nanoseconds else { return 0 }
    return Int32(clamping: (nanoseconds - now + 999_999) / 1_000_000)
  }
}
