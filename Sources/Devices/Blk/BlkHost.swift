internal import LinuxSystem
internal import Model

/// Opens what holds a disk's data. The values were checked; the caller has assumed the rights of
/// who wrote `path`, and runs under a deadline.
@Sendable func openBlkHost(
  _ values: [String: String], _ forbiddenFileSystem: UInt64
) throws(HostRefusal) -> HostOpening {
  let capacity = UInt64(values["capacity"] ?? "") ?? 0
  switch values["backend"] ?? "" {
  case "file": return try BlkFile(values, forbiddenFileSystem).opening()
  case "memory":
    guard let byteCount = Int(exactly: capacity), byteCount > 0 else { throw .noCapacity }
    do throws(Errno) {
      return HostOpening(
        descriptors: [try makeMemoryFile("vbusfs-disk", byteCount: byteCount)],
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

/// A disk's file or block device, named but not yet trusted.
private struct BlkFile {
  let path: String
  let isReadOnly: Bool
  let capacity: UInt64
  let blockSize: UInt64
  let named: Descriptor
  let kind: FileFacts.Kind

  /// Finds the file without opening it: opening a FIFO would wait, and some devices act on it.
  init(_ values: [String: String], _ forbiddenFileSystem: UInt64) throws(HostRefusal) {
    path = values["path"] ?? ""
    isReadOnly = values["read_only"] == "1"
    capacity = UInt64(values["capacity"] ?? "") ?? 0
    blockSize = UInt64(values["block_size"] ?? "") ?? blkSectorByteCount
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

  func opening() throws(HostRefusal) -> HostOpening {
    let file = try opened()
    let size: UInt64
    do throws(Errno) {
      size = kind == .block ? try blockDeviceSize(file) : try facts(of: file).byteCount
    } catch { throw HostRefusal(error, "the size of \(path) could not be had") }
    let resolved = capacity == 0 ? size : capacity
    guard resolved > 0 else {
      throw HostRefusal(
        .invalid, "\(path) is empty and capacity is 0", "a capacity to extend it to")
    }
    guard resolved.isMultiple(of: blockSize) else {
      throw HostRefusal(
        .invalid, "the \(size) bytes of \(path) are not a multiple of block_size \(blockSize)",
        "a smaller block_size, or a capacity that is a multiple of it")
    }
    if resolved > size { try extend(file, from: size, to: resolved) }
    return HostOpening(descriptors: [file], facts: ["capacity": String(resolved)])
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

  private func extend(
    _ file: Descriptor, from size: UInt64, to capacity: UInt64
  ) throws(HostRefusal) {
    guard kind == .regular, !isReadOnly else {
      throw HostRefusal(
        .noSpace, "\(path) has \(size) bytes, and capacity is \(capacity)",
        "a capacity of at most \(size), or 0")
    }
    do throws(Errno) { try resize(file, to: capacity) } catch {
      throw HostRefusal(error, "\(path) could not be extended: \(error.sentence)")
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
