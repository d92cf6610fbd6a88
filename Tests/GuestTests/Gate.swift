import LinuxSystem
import TestSupport
import Testing

/// Something a test needs of the machine, and the sentence that a skipped test shows without it.
struct Gate: Sendable {
  let isOpen: Bool
  let reason: Comment

  /// The programs under test and a kernel to mount them with.
  static let programs = Gate(
    isOpen: programFolder != nil && (try? open("/dev/fuse", .readWrite)) != nil,
    reason: "needs /dev/fuse, and the programs in VBUSFS_BIN (see Tests/run)")

  static let userModeLinux = Gate(
    opening: "command -v linux.uml && \(guestFolder)/build uml",
    reason: "needs User-Mode Linux, busybox and cpio: .ci/packages uml")

  static let qemu = Gate(
    opening: "command -v qemu-system-x86_64 && \(guestFolder)/build qemu",
    reason: "needs QEMU and a Debian kernel: .ci/packages qemu")

  static let network = Gate(
    opening: "[ -e /dev/net/tun ] && command -v ip && unshare --net true",
    reason: "needs root, /dev/net/tun, network namespaces and ip: .ci/packages net")

  static let testpmd = Gate(
    opening: "command -v dpdk-testpmd", reason: "needs DPDK's testpmd: .ci/packages dpdk")

  private init(isOpen: Bool, reason: Comment) {
    self.isOpen = isOpen
    self.reason = reason
  }

  private init(opening script: String, reason: Comment) {
    self.init(isOpen: (try? shell(script))?.succeeded ?? false, reason: reason)
  }
}

/// Where the scripts that boot guests lie.
let guestFolder =
  "\(#filePath)".split(separator: "/").dropLast(2)
  .reduce(into: "") { $0 += "/" + $1 } + "/Guests"
