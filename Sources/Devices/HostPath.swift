internal import LinuxSystem
internal import Model

/// A file of the host that a user named: found, and not yet opened. Opening a FIFO would wait, some
/// devices act on it, and what was looked at stays the same file until it is opened.
struct HostPath {
  let path: String
  let named: Descriptor
  let kind: FileFacts.Kind

  /// Refuses relative paths, links as the last component, and what lies on the file system of our
  /// own mount: serving such a request would wait for ourselves.
  init(_ path: String, _ forbiddenFileSystem: UInt64, wanted: String) throws(HostRefusal) {
    guard path.utf8.first == UInt8(ascii: "/") else {
      throw HostRefusal(.invalid, "the path is not absolute", "a path that begins with /")
    }
    let facts: FileFacts
    do throws(Errno) {
      named = try open(path, [.pathOnly, .noFollow])
      facts = try LinuxSystem.facts(of: named)
    } catch { throw HostRefusal(error, "\(path) could not be found: \(error.sentence)") }
    guard facts.fileSystem != forbiddenFileSystem else {
      throw HostRefusal(
        .tooManyLinks, "\(path) leads into this tree itself", "\(wanted) of another file system")
    }
    guard facts.kind != .link else {
      throw HostRefusal(
        .tooManyLinks, "\(path) is a symbolic link, which is not followed", "the link's target")
    }
    self.path = path
    kind = facts.kind
  }

  /// Says what it is instead of what is wanted.
  func refusal(wanted: String) -> HostRefusal {
    switch kind {
    case .directory: HostRefusal(.isDirectory, "\(path) is a directory", wanted)
    case .regular: HostRefusal(.invalid, "\(path) is a regular file", wanted)
    case .fifo: HostRefusal(.invalid, "\(path) is a FIFO", wanted)
    case .socket: HostRefusal(.invalid, "\(path) is a socket", wanted)
    case .character: HostRefusal(.invalid, "\(path) is a character device", wanted)
    case .block: HostRefusal(.invalid, "\(path) is a block device", wanted)
    case .link, .other: HostRefusal(.invalid, "\(path) is no file", wanted)
    }
  }
}
