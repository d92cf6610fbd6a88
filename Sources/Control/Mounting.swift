package import LinuxSystem

/// Refuses a mount point that cannot be one. Changes nothing.
package func checkMountPoint(_ path: String) throws {
  if let mounted = try mountedTree(at: path) {
    guard (try? facts(at: path)) == nil else {
      throw Failure("\(path) is mounted already, with its runtime directory \(mounted.source)")
    }
  } else if let kind = try? facts(at: path).kind, kind != .directory {
    throw Failure("\(path) is no directory")
  }
}

/// Clears a mount whose daemon is gone, and makes the mount point if it is missing; answers whether
/// it was.
package func prepareMountPoint(_ path: String) throws -> Bool {
  if try mountedTree(at: path) != nil { try unmountTree(at: path, detach: true) }
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
  try makeDirectoryIfMissing(path)
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
  let lock = try open(runtime + "/lock", [.readWrite, .create])
  do throws(Errno) { try lockExclusively(lock) } catch {
    throw Failure(
      error == .again
        ? "\(runtime) is in use: vbusfs is running with it already"
        : "\(runtime)/lock cannot be locked: \(error.text)")
  }
  return lock
}

/// Takes back what a start that failed has made: directories with nothing in them but the lock.
package func clearFailedStart(_ runtime: String, mountPoint: String?) {
  try? unlink(runtime + "/lock")
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
  let options = "default_permissions,subtype=vbusfs,fsname=\(runtime)"
  let pid = try spawn(
    try fusermount(), ["-o", options, "--", mountPoint],
    environment: environmentTexts() + ["_FUSE_COMMFD=3"], descriptors: [far.descriptor])
  let ending = try awaitEnd(of: pid)
  guard ending == .exited(0), let packet = try? near.receive(),
    let fuse = packet.descriptors.first
  else { throw Failure("\(mountPoint) cannot be mounted: fusermount3 \(ending.text)") }
  return fuse
}

/// Unmounts; with `detach` even while files are open in it.
package func unmountTree(at mountPoint: String, detach: Bool) throws {
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
  for part in (base + "/" + path).split(separator: "/") where part != "." {
    if part == ".." { _ = parts.popLast() } else { parts.append(part) }
  }
  return "/" + parts.joined(separator: "/")
}

extension String {
  /// Without white space at either end.
  package var trimmed: String {
    let isSpace = { (character: Character) in character.isWhitespace }
    return String(drop(while: isSpace).reversed().drop(while: isSpace).reversed())
  }
}
