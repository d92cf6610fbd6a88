internal import LinuxSystem
internal import Model

/// Opens what holds a disk's data. The values were checked; the caller has assumed the rights of
/// who wrote `path`, and runs under a deadline.
@Sendable func openBlkHost(
  _ values: [String: String], _ forbiddenFileSystem: UInt64
) throws(HostRefusal) -> HostOpening {
  let capacity = UInt64(values["capacity"] ?? "") ?? 0
  switch values["backend"] ?? "" {
  case "file":
    let file = try BlkFile(values, forbiddenFileSystem)
    let opened = try file.opened()
    let resolved = try BlkStorage(opened, file.path, isReadOnly: file.isReadOnly)
      .resolve(capacity, blockSize: blockSize(values))
    return HostOpening(descriptors: [opened], facts: ["capacity": String(resolved)])
  case "memory":
    guard let byteCount = Int(exactly: capacity), byteCount > 0 else { throw .noCapacity }
    do throws(Errno) {
      return HostOpening(
        descriptors: [try makeMemoryFile("vbusfs-disk", byteCount: byteCount, mayGrow: true)],
        facts: ["capacity": String(capacity)])
    } catch {
      throw HostRefusal(error, "memory for the disk could not be had", "a smaller capacity")
    }
  default:
    guard capacity > 0 else { throw .noCapacity }
    return HostOpening(facts: ["capacity": String(capacity)])
  }
}

/// Refuses who may not open the disk's file as these values ask for. Changes nothing.
@Sendable func checkBlkRights(
  _ values: [String: String], _ forbiddenFileSystem: UInt64
) throws(HostRefusal) {
  guard values["backend"] == "file" else { return }
  _ = try BlkFile(values, forbiddenFileSystem).opened()
}

/// Lets what holds an open disk's data follow a new capacity. Nothing is ever cut off: what has
/// grown too large for the disk stays.
@Sendable func adjustBlkHost(
  _ values: [String: String], _ open: [Descriptor]
) throws(HostRefusal) -> [String: String] {
  let capacity = UInt64(values["capacity"] ?? "") ?? 0
  guard let file = open.first else {
    guard capacity > 0 else { throw .noCapacity }
    return ["capacity": String(capacity)]
  }
  let storage = try BlkStorage(file, "the disk's file", isReadOnly: values["read_only"] == "1")
  let resolved = try storage.resolve(capacity, blockSize: blockSize(values))
  return ["capacity": String(resolved)]
}

private func blockSize(_ values: [String: String]) -> UInt64 {
  UInt64(values["block_size"] ?? "") ?? blkSectorByteCount
}

/// What holds a disk's data, open, and its size.
private struct BlkStorage {
  let file: Descriptor
  /// What to call it in a sentence.
  let name: String
  let isReadOnly: Bool
  let isRegular: Bool
  let size: UInt64

  init(_ file: Descriptor, _ name: String, isReadOnly: Bool) throws(HostRefusal) {
    self.file = file
    self.name = name
    self.isReadOnly = isReadOnly
    do throws(Errno) {
      let facts = try facts(of: file)
      isRegular = facts.kind == .regular
      size = facts.kind == .block ? try blockDeviceSize(file) : facts.byteCount
    } catch { throw HostRefusal(error, "the size of \(name) could not be had") }
  }

  /// The capacity that is meant; extends the file to it.
  func resolve(_ capacity: UInt64, blockSize: UInt64) throws(HostRefusal) -> UInt64 {
    let resolved = capacity == 0 ? size : capacity
    guard resolved > 0 else {
      throw HostRefusal(
        .invalid, "\(name) is empty and capacity is 0", "a capacity to extend it to")
    }
    guard resolved.isMultiple(of: blockSize) else {
      throw HostRefusal(
        .invalid, "the \(size) bytes of \(name) are not a multiple of block_size \(blockSize)",
        "a smaller block_size, or a capacity that is a multiple of it")
    }
    if resolved > size { try extend(to: resolved) }
    return resolved
  }

  private func extend(to capacity: UInt64) throws(HostRefusal) {
    guard isRegular, !isReadOnly else {
      throw HostRefusal(
        .noSpace, "\(name) has \(size) bytes, and capacity is \(capacity)",
        "a capacity of at most \(size), or 0")
    }
    do throws(Errno) { try resize(file, to: capacity) } catch {
      throw HostRefusal(error, "\(name) could not be extended: \(error.sentence)")
    }
  }
}

/// A disk's file or block device, named but not yet trusted.
private struct BlkFile {
  let path: String
  let isReadOnly: Bool
  let named: Descriptor
  let kind: FileFacts.Kind

  /// Finds the file without opening it: opening a FIFO would wait, and some devices act on it.
  init(_ values: [String: String], _ forbiddenFileSystem: UInt64) throws(HostRefusal) {
    path = values["path"] ?? ""
    isReadOnly = values["read_only"] == "1"
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
        .tooManyLinks, "\(path) leads into this tree itself", "a file of another file system")
    }
    kind = facts.kind
    try checkKind()
  }

  private func checkKind() throws(HostRefusal) {
    let wanted = "a regular file or a block device"
    switch kind {
    case .regular, .block: return
    case .link:
      throw HostRefusal(
        .tooManyLinks, "\(path) is a symbolic link, which is not followed", "the link's target")
    case .directory: throw HostRefusal(.isDirectory, "\(path) is a directory", wanted)
    case .fifo: throw HostRefusal(.invalid, "\(path) is a FIFO", wanted)
    case .socket: throw HostRefusal(.invalid, "\(path) is a socket", wanted)
    case .character: throw HostRefusal(.invalid, "\(path) is a character device", wanted)
    case .other: throw HostRefusal(.invalid, "\(path) is no file", wanted)
    }
  }

  func opened() throws(HostRefusal) -> Descriptor {
    do throws(Errno) { return try reopen(named, isReadOnly ? .readOnly : .readWrite) } catch {
      let couldRead = !isReadOnly && (try? reopen(named, .readOnly)) != nil
      throw HostRefusal(
        error,
        couldRead
          ? "\(path) can only be read: \(error.sentence)"
          : "\(path) could not be opened: \(error.sentence)",
        couldRead ? "first echo 1 > read_only" : "a file that the writer of path may open")
    }
  }
}

extension HostRefusal {
  init(_ errno: Errno, _ reason: String, _ accepted: String = "") {
    self.init(errno: errno.rawValue, reason: reason, accepted: accepted)
  }

  fileprivate static var noCapacity: HostRefusal {
    HostRefusal(.invalid, "capacity is 0, and the backend has no size of its own", "a capacity")
  }
}
