internal import LinuxSystem
package import Model

/// Opens where a console's output goes. The values were checked; the caller has assumed the rights
/// of who wrote them, and runs under a deadline. For a terminal: its master and the terminal, which
/// held open keeps the console alive when a reader leaves.
@Sendable package func openConsoleHost(_ wish: HostWish) throws(HostRefusal) -> HostOpening {
  switch wish.values["backend"] {
  case "file": return HostOpening(descriptors: [try openLog(wish)])
  case "socket":
    return HostOpening(descriptors: [try HostSocket(wish).connected()])
  default:
    do throws(Errno) {
      if wish.open.count == 2, let name = try? terminalName(wish.open[0]) {
        return HostOpening(descriptors: wish.open, facts: ["pty": name])
      }
      let (master, terminal) = try openTerminal()
      let name = try terminalName(master)
      return HostOpening(descriptors: [master, terminal], facts: ["pty": name])
    } catch {
      throw HostRefusal(
        error, "no terminal could be had: \(error.sentence)", "a machine with /dev/pts")
    }
  }
}

/// Refuses who may not write to the file or connect to the socket. Changes nothing.
@Sendable package func checkConsoleRights(_ wish: HostWish) throws(HostRefusal) {
  switch wish.values["backend"] {
  case "file":
    let path = wish.values["path"] ?? ""
    do throws(HostRefusal) {
      _ = try openThere(HostPath(path, wish.forbiddenFileSystem, wanted: logWanted))
    } catch {
      guard error.errno == Errno.noEntry.rawValue else { throw error }
      try checkMayMake(LogPlace(path, wish.forbiddenFileSystem))
    }
  case "socket": try HostSocket(wish).checkRights()
  default: break
  }
}

/// The attribute that names what is opened.
@Sendable func consoleRightsAttribute(_ values: [String: String]) -> String {
  values["backend"] == "pty" ? "backend" : "path"
}

/// What else decides it. Everybody may have a terminal.
@Sendable func consoleHostAttributes(_ values: [String: String]) -> [String] {
  values["backend"] == "pty" ? [] : ["backend"]
}

private let logWanted = "a regular file"

private func openLog(_ wish: HostWish) throws(HostRefusal) -> Descriptor {
  let path = wish.values["path"] ?? ""
  let place = try LogPlace(path, wish.forbiddenFileSystem)
  do throws(Errno) {
    return try open(place.inFolder, [.create, .exclusive, .writeOnly, .append])
  } catch {
    guard error == .exists else {
      throw HostRefusal(error, "\(path) could not be made: \(error.sentence)")
    }
    return try openThere(HostPath(path, wish.forbiddenFileSystem, wanted: logWanted))
  }
}

/// Where a log file is, or shall be.
private struct LogPlace {
  let path: String
  let folder: Descriptor
  let name: Substring

  /// Refuses folders within our own mount, where making a file would wait for ourselves.
  init(_ path: String, _ forbiddenFileSystem: UInt64) throws(HostRefusal) {
    let bytes = path.utf8
    guard bytes.first == UInt8(ascii: "/"), let slash = bytes.lastIndex(of: UInt8(ascii: "/"))
    else { throw HostRefusal(.invalid, "the path is not absolute", "a path that begins with /") }
    self.path = path
    name = path[bytes.index(after: slash)...]
    guard !name.isEmpty else {
      throw HostRefusal(.isDirectory, "\(path) is a directory", logWanted)
    }
    let facts: FileFacts
    do throws(Errno) {
      folder = try open(String(path[...slash]), [.pathOnly, .directory])
      facts = try LinuxSystem.facts(of: folder)
    } catch { throw HostRefusal(error, "\(path) could not be found: \(error.sentence)") }
    guard facts.fileSystem != forbiddenFileSystem else {
      throw HostRefusal(
        .tooManyLinks, "\(path) leads into this tree itself", "a file of another file system")
    }
  }

  /// The file by way of its folder, which cannot be exchanged any more.
  var inFolder: String { "/proc/self/fd/\(folder.number)/\(name)" }
}

private func checkMayMake(_ place: LogPlace) throws(HostRefusal) {
  do throws(Errno) { try checkMayWrite(place.folder) } catch {
    throw HostRefusal(error, "\(place.path) could not be made: \(error.sentence)")
  }
}

private func openThere(_ place: HostPath) throws(HostRefusal) -> Descriptor {
  guard place.kind == .regular else { throw place.refusal(wanted: logWanted) }
  do throws(Errno) { return try reopen(place.named, [.writeOnly, .append]) } catch {
    throw HostRefusal(
      error, "\(place.path) could not be opened: \(error.sentence)",
      "a file that the writer of path may write to")
  }
}
