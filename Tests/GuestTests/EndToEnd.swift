import TestSupport
import Testing

/// All that mounts a tree or boots a guest, one after the other: the machine has few processors,
/// and a guest that waits for its turn would look like one that hangs.
@Suite("End to end", .serialized, .needs(.programs, .fuse))
enum EndToEnd {}

extension Need {
  static let userModeLinux = Need(script: "\(guestFolder)/build uml")
  static let qemuGuest = Need(script: "\(guestFolder)/build qemu")
}

/// Where the scripts that boot guests lie.
let guestFolder =
  "\(#filePath)".split(separator: "/").dropLast(2)
  .reduce(into: "") { $0 += "/" + $1 } + "/Guests"
