import LinuxSystem
import TestSupport
import Testing

/// The whole program, as a person at a shell meets it: each test has a mount of its own.
@Suite("The tree through a real mount", .enabled(if: Gate.mounts.isOpen, Gate.mounts.reason))
enum MountTests {}

/// Something a test needs of the machine, and the sentence that a skipped test shows without it.
struct Gate: Sendable {
  let isOpen: Bool
  let reason: Comment

  static let mounts = Gate(
    isOpen: programFolder != nil && (try? open("/dev/fuse", .readWrite)) != nil,
    reason: "needs /dev/fuse, and the programs in VBUSFS_BIN or in .build/debug")

  static let root = Gate(
    isOpen: effectiveUser() == 0, reason: "needs root, to act as another user")

  static let fusermount = Gate(
    isOpen: effectiveUser() != 0 || has("fusermount3"), reason: "needs the package fuse3")

  /// Whether a program is installed.
  static func has(_ program: String) -> Bool {
    (try? shell("command -v \(program)"))?.succeeded ?? false
  }

  init(isOpen: Bool, reason: Comment) {
    self.isOpen = isOpen
    self.reason = reason
  }
}
