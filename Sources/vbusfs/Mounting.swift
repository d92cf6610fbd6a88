import LinuxSystem

/// Makes the mount point if it is missing, and clears a mount whose daemon is gone.
func preparedMountPoint(_ directory: String) throws -> String {
  let path = absolutePath(directory)
  if let mounted = try mountedTree(at: path) {
    guard case .failure = Result(catching: { try facts(at: path) }) else {
      throw Failure("\(path) is mounted already, with its runtime directory \(mounted.runtime)")
    }
    try unmountTree(at: path, detach: true)
  }
  do { try makeDirectory(path, permissions: 0o755) } catch Errno.exists {}
  guard try facts(at: path).kind == .directory else { throw Failure("\(path) is no directory") }
  return path
}

/// The runtime directory, made if it is missing.
func preparedRuntime(_ option: String?) throws -> String {
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
  do { try makeDirectory(path, permissions: 0o755) } catch Errno.exists {}
  return path
}

/// Locks the runtime directory for the life of the descriptor; a second start is refused here.
func lockRuntime(_ runtime: String) throws -> Descriptor {
  let lock = try open(runtime + "/lock", [.readWrite, .create])
  do { try lockExclusively(lock) } catch Errno.again {
    throw Failure("\(runtime) is in use: vbusfs is running with it already")
  }
  return lock
}

/// Mounts a FUSE file system and answers its descriptor: with mount(2) as root, through
/// fusermount3 as anybody else. The mount's source is the runtime directory.
func mountTree(at mountPoint: String, runtime: String) throws -> Descriptor {
  guard effectiveUser() == 0 else { return try mountAsUser(at: mountPoint, runtime: runtime) }
  let fuse: Descriptor
  do { fuse = try open("/dev/fuse", .readWrite) } catch {
    throw Failure("/dev/fuse cannot be opened: \(error.text)")
  }
  let options =
    "fd=\(fuse.number),rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other"
  do { try mountFuse(from: runtime, at: mountPoint, options: options) } catch {
    throw Failure("\(mountPoint) cannot be mounted: \(error.text)")
  }
  return fuse
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
func unmountTree(at mountPoint: String, detach: Bool) throws {
  if effectiveUser() == 0 {
    do { return try unmount(mountPoint, detach: detach) } catch Errno.busy {
      throw Failure("\(mountPoint) is busy: some process has a file or its directory in it")
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

/// A vbusfs mount that the kernel knows.
struct MountedTree {
  let mountPoint: String
  let runtime: String
}

/// The vbusfs mount at exactly this path, from /proc/self/mountinfo (proc(5)).
func mountedTree(at path: String) throws -> MountedTree? {
  let lines = String(decoding: try readFile("/proc/self/mountinfo"), as: UTF8.self)
    .split(separator: "\n")
  for line in lines.reversed() {
    let fields = line.split(separator: " ").map(unescaped)
    guard let dash = fields.firstIndex(of: "-"), fields.count > max(dash + 2, 4) else { continue }
    guard fields[4] == path, fields[dash + 1] == "fuse.vbusfs" else { continue }
    return MountedTree(mountPoint: path, runtime: fields[dash + 2])
  }
  return nil
}

/// Undoes mountinfo's octal escapes (`\040` is a space).
private func unescaped(_ field: Substring) -> String {
  var bytes: [UInt8] = []
  var rest = Array(field.utf8)[...]
  while let byte = rest.popFirst() {
    let digits = rest.prefix(3)
    if byte == UInt8(ascii: "\\"), digits.count == 3,
      let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
    {
      bytes.append(code)
      rest = rest.dropFirst(3)
    } else {
      bytes.append(byte)
    }
  }
  return String(decoding: bytes, as: UTF8.self)
}

/// An absolute path without `.`, `..` and doubled slashes.
func absolutePath(_ path: String) -> String {
  let base = path.hasPrefix("/") ? "" : ((try? linkTarget("/proc/self/cwd")) ?? "")
  var parts: [Substring] = []
  for part in (base + "/" + path).split(separator: "/") where part != "." {
    if part == ".." { _ = parts.popLast() } else { parts.append(part) }
  }
  return "/" + parts.joined(separator: "/")
}

extension String {
  /// Without white space at either end.
  var trimmed: String {
    let isSpace = { (character: Character) in character.isWhitespace }
    return String(drop(while: isSpace).reversed().drop(while: isSpace).reversed())
  }
}
