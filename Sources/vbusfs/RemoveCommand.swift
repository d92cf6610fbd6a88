import ArgumentParser
import Control
import LinuxSystem

/// `vbusfs rm`: what a person means by `rm -r` of a device or a container.
struct RemoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rm",
    abstract: "Remove devices or containers: unplug, disable, rmdir, in this order.")

  @Argument(help: "Directories devices/NAME or containers/NAME of a mounted tree.")
  var paths: [String]

  func run() throws {
    for path in paths.map(absolutePath) {
      let parts = path.split(separator: "/")
      guard parts.count >= 2, (try? facts(at: path))?.kind == .directory else {
        throw Failure("\(path) is no device and no container")
      }
      switch parts[parts.count - 2] {
      case "devices": try removeDevice(path)
      case "containers": try removeContainer(path)
      default: throw Failure("\(path) is no device and no container")
      }
    }
  }

  private func removeDevice(_ path: String) throws {
    let name = path.split(separator: "/").last ?? ""
    if let container = try? linkTarget(path + "/container") {
      let links = path + "/" + container + "/devices"
      for link in try names(in: links)
      where (try? linkTarget(links + "/" + link))?.hasSuffix("/devices/\(name)") == true {
        try step(links + "/" + link, "unplug") { try unlink($0) }
      }
    }
    if let file = try? open(path + "/enabled", .writeOnly) {
      try step(path, "disable") { _ in try write(Array("0\n".utf8), to: file) }
    }
    try step(path, "remove") { try removeDirectory($0) }
  }

  private func removeContainer(_ path: String) throws {
    for link in try names(in: path + "/devices") {
      try step(path + "/devices/" + link, "unplug") { try unlink($0) }
    }
    try step(path, "remove") { try removeDirectory($0) }
  }

  private func step(_ path: String, _ verb: String, _ body: (String) throws -> Void) throws {
    do { try body(path) } catch let error as Errno {
      throw Failure("cannot \(verb) \(path): \(error.text)")
    }
  }
}
