internal import LinuxSystem
package import Testing

/// Something of the machine that tests need.
package struct Need: Sendable {
  let isMet: Bool
  /// What a skipped test says is missing.
  let name: String

  package static let root = Need(isMet: effectiveUser() == 0, name: "root")

  package static let programs = Need(
    isMet: programFolder != nil, name: "the programs, in VBUSFS_BIN or beside the tests")

  /// The programs are built for release where `Tests/run` has done it.
  package static let releasePrograms = Need(
    isMet: environmentValue("VBUSFS_BIN") != nil,
    name: "the programs built for release, in VBUSFS_BIN (Tests/run)")

  package static let fuse = file("/dev/fuse")
  package static let fusermount = program("fusermount3", in: "run")
  package static let tun = file("/dev/net/tun")
  package static let ip = program("ip", in: "net")
  package static let qemu = program("qemu-system-x86_64", in: "qemu")
  package static let testpmd = program("dpdk-testpmd", in: "dpdk")

  package static let networkNamespaces = Need(
    isMet: (try? inNewNetwork {}) != nil, name: "the right to make a network namespace")

  /// A file that may be read and written.
  private static func file(_ path: String) -> Need {
    Need(isMet: (try? open(path, .readWrite)) != nil, name: path)
  }

  /// A program on the path, which a group of `.ci/packages` installs.
  package static func program(_ name: String, in group: String) -> Need {
    Need(script: "command -v \(name)", name: "\(name) (.ci/packages \(group))")
  }

  /// What a script succeeds with; where it does not, its last line is what is missing.
  package init(script: String, name: String? = nil) {
    let outcome = try? shell(script)
    isMet = outcome?.succeeded == true
    self.name = name ?? outcome?.lines.last ?? script
  }

  /// Something that is built beside the tests.
  package init(isPresent path: String, name: String) {
    self.init(isMet: (try? facts(at: path)) != nil, name: name)
  }

  private init(isMet: Bool, name: String) {
    self.isMet = isMet
    self.name = name
  }
}

extension Trait where Self == ConditionTrait {
  /// Skips a test where one of `needs` is missing, and says which.
  package static func needs(_ needs: Need...) -> Self {
    let missing = needs.filter { !$0.isMet }.map(\.name).joined(separator: ", ")
    return .enabled(if: missing.isEmpty, "missing: \(missing)")
  }
}
