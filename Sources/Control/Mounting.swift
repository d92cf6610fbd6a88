package import LinuxSystem

/// Refuses a mount point that cannot be one. Changes nothing.
package func checkMountPoint(_ path: String) throws {
  if let mounted = try mountedTree(at: path) {
    // Opened, for what stat(2) shows the kernel may remember from a daemon's life. Only this errno
    // means a dead one: root gets EACCES from a user's mount that is well.
    do throws(Errno) { _ = try open(path, [.readOnly, .directory]) } catch {
      if error == .notConnected { return }
    }
    throw Failure("\(path) is mounted already, with its runtime directory \(mounted.source)")
  } else if let kind = try? facts(at: path).kind, kind != .directory {
    throw Failure("\(path) is no directory")
  }
}

/// Clears a mount whose daemon is gone, and makes the mount point if it is missing; answers whether
/// it was.
package func prepareMountPoint(_ path: String) throws -> Bool {
  if let dead = try mountedTree(at: path) {
    try unmountTree(at: path, runtime: dead.source, detach: true)
  }
  return try makeDirectoryIfMissing(path)
}

/// The runtime directory, made if it is missing.
package func preparedRuntime(_ option: String?) throws -> String {
  let path: String
  if let option {
    path = absolutePath(option)
  } else if effectiveUser() == 0 {
    path = "/run/vbusfs.d"
  } else if let base = environmentValue("XDG_RUNTIME_DIR") {
    path = base + "/vbusfs.d"
  } else {
    throw Failure("XDG_RUNTIME_DIR is not set: say with --runtime where sockets may lie")
  }
  return try preparedPrivate(path)
}

/// A directory for files of ours, made if it is missing. Whoever else could write into it could
/// put links and sockets in our files' place.
package func preparedPrivate(_ directory: String) throws -> String {
  let path = resolvedPath(directory)
  try makeDirectoryIfMissing(path)
  let found = try facts(at: path)
  guard found.kind == .directory else { throw Failure("\(path) is no directory") }
  guard found.uid == effectiveUser(), found.permissions & 0o022 == 0 else {
    throw Failure("\(path) must belong to who mounts, and nobody else may write to it")
  }
  return path
}

@discardableResult
private func makeDirectoryIfMissing(_ path: String) throws(Failure) -> Bool {
  do throws(Errno) {
    try makeDirectory(path, permissions: 0o755)
    return true
  } catch {
    guard error != .exists else { return false }
    throw Failure("\(path) cannot be made: \(error.text)")
  }
}

/// Locks the runtime directory for the life of the descriptor; a second start is refused here.
package func lockRuntime(_ runtime: String) throws -> Descriptor {
  let path = runtime + "/lock"
  let lock = try open(path, [.readWrite, .create, .noFollow])
  do throws(Errno) { try lockExclusively(lock) } catch {
    throw Failure(
      error == .again
        ? "\(runtime) is in use: vbusfs is running with it already"
        : "\(runtime)/lock cannot be locked: \(error.text)")
  }
  // A run that ended meanwhile took this file away: the lock of another one counts.
  guard try facts(of: lock).inode == (try? facts(at: path).inode) else {
    throw Failure("\(runtime) was in use until now: try again")
  }
  return lock
}

/// Takes back what a start that failed has made. Control took its own away; a configuration stays.
package func clearFailedStart(_ runtime: String, mountPoint: String?) {
  for name in ["lock", "log", "keeper.pid"] { try? unlink(runtime + "/" + name) }
  try? removeDirectory(runtime)
  if let mountPoint { try? removeDirectory(mountPoint) }
}

/// Mounts a FUSE file system and answers its descriptor: with mount(2) as root, through
/// fusermount3 as anybody else. The mount's source is the runtime directory.
package func mountTree(at mountPoint: String, runtime: String) throws -> Descriptor {
  guard effectiveUser() == 0 else { return try mountAsUser(at: mountPoint, runtime: runtime) }
  do throws(Errno) {
    let fuse = try open("/dev/fuse", .readWrite)
    let options =
      "fd=\(fuse.number),rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other"
    try mountFuse(from: runtime, at: mountPoint, options: options)
    return fuse
  } catch { throw Failure("\(mountPoint) cannot be mounted through /dev/fuse: \(error.text)") }
}

private func mountAsUser(at mountPoint: String, runtime: String) throws -> Descriptor {
  let (near, far) = try Channel.pair()
  // fusermount3 takes a backslash off whatever follows it.
  let source = runtime.utf8.flatMap { byte in
    byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\\") ? [UInt8(ascii: "\\"), byte] : [byte]
  }
  let options =
    "default_permissions,subtype=vbusfs,fsname=" + String(decoding: source, as: UTF8.self)
  let pid = try spawn(
    try fusermount(), ["-o", options, "--", mountPoint],
    environment: environmentTexts() + ["_FUSE_COMMFD=3"], descriptors: [far.descriptor])
  let ending = try awaitEnd(of: pid)
  guard ending == .exited(0), let packet = try? near.receive(),
    let fuse = packet.descriptors.first
  else { throw Failure("\(mountPoint) cannot be mounted: fusermount3 \(ending.text)") }
  return fuse
}

/// Unmounts the tree with this runtime directory; with `detach` even while files are open in it.
/// Where it is mounted no more nothing happens: what lies beneath is not ours.
package func unmountTree(at mountPoint: String, runtime: String, detach: Bool) throws {
  guard try mountedTree(at: mountPoint)?.source == runtime else { return }
  if effectiveUser() == 0 {
    do throws(Errno) { return try unmount(mountPoint, detach: detach) } catch {
      throw Failure(
        error == .busy
          ? "\(mountPoint) is busy: some process has a file or its directory in it"
          : "\(mountPoint) cannot be unmounted: \(error.text)")
    }
  }
  let pid = try spawn(
    try fusermount(), (detach ? ["-u", "-z"] : ["-u"]) + ["--", mountPoint],
    environment: environmentTexts(), descriptors: [])
  let ending = try awaitEnd(of: pid)
  guard ending == .exited(0) else { throw Failure("fusermount3 \(ending.text)") }
}

private func fusermount() throws -> String {
  let places = (environmentValue("PATH") ?? "/usr/bin:/bin").split(separator: ":")
  for place in places {
    let path = "\(place)/fusermount3"
    if (try? facts(at: path)) != nil { return path }
  }
  throw Failure("fusermount3 is missing: install the package fuse3")
}

/// The vbusfs mount at exactly this path. Its source is the runtime directory.
package func mountedTree(at path: String) throws -> MountEntry? {
  guard let entry = try MountEntry.at(path), entry.type == "fuse.vbusfs" else { return nil }
  return entry
}

/// An absolute path without `.`, `..` and doubled slashes.
package func absolutePath(_ path: String) -> String {
  let base = path.hasPrefix("/") ? "" : ((try? linkTarget("/proc/self/cwd")) ?? "")
  var parts: [Substring] = []
  for part in (base + "/" + path).utf8.split(separator: UInt8(ascii: "/")).map(Substring.init)
  where part != "." {
    if part == ".." { _ = parts.popLast() } else { parts.append(part) }
  }
  return "/" + parts.joined(separator: "/")
}

/// The one spelling of a path under which the kernel lists a mount on it: without symbolic links.
/// The last component need not exist, and is not asked of the file system that is mounted on it.
package func resolvedPath(_ path: String) -> String {
  var path = absolutePath(path)
  for _ in 0..<linksMax {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
    let name = path[path.utf8.index(after: slash)...]
    let parent = String(path[..<slash])
    guard let directory = try? open(parent.isEmpty ? "/" : parent, [.pathOnly, .directory]),
      let real = try? linkTarget("/proc/self/fd/\(directory.number)")
    else { return path }
    let resolved = (real == "/" ? "" : real) + "/" + name
    guard let target = try? linkTarget(resolved) else { return resolved }
    path = absolutePath(target.utf8.first == UInt8(ascii: "/") ? target : "\(real)/\(target)")
  }
  return path
}

/// As many as the kernel follows in a path (path_resolution(7)).
private let linksMax = 40

extension String {
  /// Without white space at either end.
  package var trimmed: String {
    let isSpace = { (character: Character) in character.isWhitespace }
    return String(drop(while: isSpace).reversed().drop(while: isSpace).reversed())
  }
}
