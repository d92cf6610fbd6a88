internal import CFuse
internal import Glibc
internal import LinuxSystem

/// The kernel's operations by its own numbers, as far as they mean anything here.
///
/// Left out on purpose, and answered with ENOSYS, which the kernel remembers: extended attributes
/// (asked for before each write where they exist), locks (the kernel keeps flock(2) itself), ioctl,
/// copy_file_range, lseek.
enum Operation: UInt32 {
  case lookup = 1
  case forget = 2
  case getattr = 3
  case setattr = 4
  case readlink = 5
  case symlink = 6
  case mknod = 8
  case mkdir = 9
  case unlink = 10
  case rmdir = 11
  case rename = 12
  case link = 13
  case open = 14
  case read = 15
  case write = 16
  case statfs = 17
  case release = 18
  case fsync = 20
  case flush = 25
  case initialize = 26
  case opendir = 27
  case readdir = 28
  case releasedir = 29
  case create = 35
  case interrupt = 36
  case destroy = 38
  case poll = 40
  case notifyReply = 41
  case batchForget = 42
  case rename2 = 45
}

extension FuseMount {
  /// Does what the kernel asks for.
  func perform(_ request: KernelRequest) throws(TreeError) -> Reply {
    switch Operation(rawValue: request.header.opcode) {
    case .getattr: return .attributes(try tree.attributes(of: request.node))
    case .lookup: return try lookUp(request)
    case .open: return try open(request)
    case .read: return try read(request)
    case .write: return try write(request)
    case .release:
      _ = handles.files.remove(try request.argument(fuse_release_in.self).fh)
      return .done
    case .opendir: return .opened(handles.open(), flags: 0)
    case .readdir: return try list(request)
    case .releasedir:
      _ = handles.directories.remove(try request.argument(fuse_release_in.self).fh)
      return .done
    case .setattr: return try setAttributes(request)
    case .mkdir: return try makeDirectory(request)
    case .rmdir, .unlink, .symlink: return try changeName(request)
    case .rename:
      let wish = try request.argument(fuse_rename_in.self)
      let names = try request.names(2, after: fuse_rename_in.self)
      return rename(request, names, in: wish.newdir, flags: 0)
    case .rename2:
      let wish = try request.argument(fuse_rename2_in.self)
      let names = try request.names(2, after: fuse_rename2_in.self)
      return rename(request, names, in: wish.newdir, flags: wish.flags)
    case .readlink:
      let target = try tree.linkTarget(of: request.node)
      return .text(target, from: 0, count: target.count)
    case .poll: return try poll(request)
    case .statfs:
      let count = tree.objectCount
      return .space(used: count.used, limit: count.limit)
    // Files appear with their directory; nobody makes one.
    case .mknod, .create, .link: throw TreeError(.notPermitted)
    case .flush, .fsync, .destroy: return .done
    case .initialize: return try agree(request)
    case .interrupt:
      interrupt(try request.argument(fuse_interrupt_in.self).unique)
      return .silence
    case .forget, .batchForget, .notifyReply: return .silence
    case nil: throw TreeError(.notImplemented)
    }
  }

  /// Settles on what both sides know. A kernel of a newer major version is told ours, and asks
  /// again.
  private func agree(_ request: KernelRequest) throws(TreeError) -> Reply {
    // The head of struct fuse_init_in, which is longer in newer kernels.
    let (major, minor, _, known) = try request.argument((UInt32, UInt32, UInt32, UInt32).self)
    guard major >= FUSE_KERNEL_VERSION else { throw TreeError(.wrongProtocol) }
    let wanted =
      FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES | FUSE_MAX_PAGES | FUSE_PARALLEL_DIROPS
      | FUSE_HANDLE_KILLPRIV
    return .agreement(
      minor: min(minor, UInt32(FUSE_KERNEL_MINOR_VERSION)), flags: known & UInt32(wanted))
  }

  // MARK: Looking

  private func lookUp(_ request: KernelRequest) throws(TreeError) -> Reply {
    let node = try request.withName { (name) throws(TreeError) in
      try tree.lookup(name, in: request.node)
    }
    return .entry(try tree.attributes(of: node))
  }

  private func open(_ request: KernelRequest) throws(TreeError) -> Reply {
    let wish = try request.argument(fuse_open_in.self)
    let opener = Request.Opener(uid: request.header.uid, gid: request.header.gid)
    let isForReading = Int32(bitPattern: wish.flags) & O_ACCMODE == O_RDONLY
    return .opened(
      isForReading ? handles.open() : handles.open(for: opener),
      flags: UInt32(FOPEN_DIRECT_IO | FOPEN_NOFLUSH))
  }

  private func read(_ request: KernelRequest) throws(TreeError) -> Reply {
    let wish = try request.argument(fuse_read_in.self)
    let offset = Int(clamping: wish.offset)
    return .text(
      try read(request.node, handle: wish.fh, from: offset), from: offset, count: Int(wish.size))
  }

  /// A text as an open sees it: the snapshot it has, or a new one when it reads from the start.
  private func read(
    _ node: NodeID, handle: UInt64, from offset: Int
  ) throws(TreeError) -> [UInt8] {
    if offset > 0, let snapshot = handles.files[handle]?.snapshot { return snapshot }
    let text = try tree.text(of: node)
    let place = handles.files.place(of: handle, inserting: .init())
    handles.files[at: place].snapshot = text
    handles.files[at: place].seenChange = pollers.changeCount(of: node)
    return text
  }

  /// A directory's entries as an open sees them, taken when it is read from the start.
  private func list(_ request: KernelRequest) throws(TreeError) -> Reply {
    let wish = try request.argument(fuse_read_in.self)
    let offset = Int(clamping: wish.offset)
    if offset > 0, let entries = handles.directories[wish.fh] {
      return .listing(entries, from: offset, count: Int(wish.size))
    }
    let entries = try tree.entries(of: request.node)
    handles.directories[wish.fh] = entries
    return .listing(entries, from: offset, count: Int(wish.size))
  }

  /// Answers a poll: what is ready, and whether the node changed since this open read it, or is
  /// gone. With FUSE_POLL_SCHEDULE_NOTIFY the caller waits, and is woken at the next change.
  private func poll(_ request: KernelRequest) throws(TreeError) -> Reply {
    let wish = try request.argument(fuse_poll_in.self)
    if wish.flags & UInt32(FUSE_POLL_SCHEDULE_NOTIFY) != 0 {
      pollers.add(wish.kh, waitingFor: request.node)
    }
    let always = Readiness([.readable, .writable])
    let seen = handles.files[wish.fh]?.seenChange
    guard let seen, seen == pollers.changeCount(of: request.node),
      (try? tree.attributes(of: request.node)) != nil
    else {
      return .ready(always.union([.urgent, .failed]).rawValue)
    }
    return .ready(always.rawValue)
  }

  // MARK: Changing

  /// Stores what a write carries, and says whether it continues the write before it.
  private func write(_ request: KernelRequest) throws(TreeError) -> Reply {
    let wish = try request.argument(fuse_write_in.self)
    let text = try request.data(wish.size, after: fuse_write_in.self)
    let place = handles.files.place(of: wish.fh, inserting: .init())
    let end = handles.files[at: place].writeEnd
    let opener = handles.files[at: place].opener
    let isContinuation = end != nil && wish.offset == end && wish.offset > 0
    handles.files[at: place].writeEnd = wish.offset &+ UInt64(text.count)
    return settle(request, .written(text.count)) { (asked) throws(TreeError) in
      var asked = asked
      asked.opener = opener
      return try tree.store(text, in: request.node, isContinuation: isContinuation, asked)
    }
  }

  /// Takes chmod(2) and chown(2). Where only size or times are to change it is accepted and changes
  /// nothing: truncation alone is no value.
  private func setAttributes(_ request: KernelRequest) throws(TreeError) -> Reply {
    let wish = try request.argument(fuse_setattr_in.self)
    func has(_ flag: Int32) -> Bool { wish.valid & UInt32(flag) != 0 }
    let change = OwnerChange(
      permissions: has(FATTR_MODE) ? wish.mode & 0o7777 : nil,
      uid: has(FATTR_UID) ? wish.uid : nil, gid: has(FATTR_GID) ? wish.gid : nil)
    guard change != OwnerChange() else {
      return .attributes(try tree.attributes(of: request.node))
    }
    return settle(request, .attributes) { (asked) throws(TreeError) in
      try tree.change(change, of: request.node, asked)
    }
  }

  private func makeDirectory(_ request: KernelRequest) throws(TreeError) -> Reply {
    let wish = try request.argument(fuse_mkdir_in.self)
    let name = try request.names(1, after: fuse_mkdir_in.self)[0]
    return settle(request, .entry) { (asked) throws(TreeError) in
      try tree.makeDirectory(
        name, in: request.node, permissions: wish.mode & 0o7777, asked)
    }
  }

  /// The changes that have only names as arguments.
  private func changeName(_ request: KernelRequest) throws(TreeError) -> Reply {
    let isLink = request.header.opcode == Operation.symlink.rawValue
    let names = try request.names(isLink ? 2 : 1, after: Void.self)
    return settle(request, isLink ? .entry : .status) { (asked) throws(TreeError) in
      switch Operation(rawValue: request.header.opcode) {
      case .symlink: try tree.makeLink(names[0], in: request.node, to: names[1], asked)
      case .rmdir: try tree.removeDirectory(names[0], in: request.node, asked)
      default: try tree.removeFile(names[0], in: request.node, asked)
      }
    }
  }

  private func rename(
    _ request: KernelRequest, _ names: [[UInt8]], in newParent: UInt64, flags: UInt32
  ) -> Reply {
    // Only RENAME_NOREPLACE (1) is meaningful here.
    guard flags & ~1 == 0 else { return .refused(TreeError(.invalid)) }
    return settle(request, .status) { (asked) throws(TreeError) in
      try tree.rename(
        names[0], in: request.node, to: names[1], in: NodeID(rawValue: newParent),
        replacing: flags & 1 == 0, asked)
    }
  }
}
