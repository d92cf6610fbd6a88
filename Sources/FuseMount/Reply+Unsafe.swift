internal import CFuse3
internal import Glibc
internal import LinuxSystem

/// The right to answer one request of the kernel. The compiler refuses a second answer, and a
/// forgotten one answers EIO by itself, so no caller is left hanging.
@safe struct Reply: ~Copyable {
  private let request: fuse_req_t

  init(to request: fuse_req_t) { unsafe self.request = request }

  // SAFETY: libfuse keeps a request alive until it is answered, which happens once.
  deinit { unsafe fuse_reply_err(request, EIO) }

  /// Sends what was found, or the refusal.
  consuming func send<Found>(
    _ result: Result<Found, TreeError>, _ answer: (consuming Reply, Found) -> Void
  ) {
    switch result {
    case .success(let found): answer(self, found)
    case .failure(let error): refuse(error)
    }
  }

  consuming func done() { fail(0) }

  consuming func refuse(_ error: TreeError) { fail(error.errno.rawValue) }

  private consuming func fail(_ number: Int32) {
    unsafe fuse_reply_err(request, number)
    discard self
  }

  consuming func entry(_ attributes: NodeAttributes) {
    var entry = fuse_entry_param()
    entry.ino = attributes.node.rawValue
    entry.attr = attributes.status
    entry.entry_timeout = attributes.lasting == .nothing ? 0 : FuseMount.memorySeconds
    entry.attr_timeout = attributes.memorySeconds
    unsafe fuse_reply_entry(request, &entry)
    discard self
  }

  consuming func attributes(_ attributes: NodeAttributes) {
    var status = attributes.status
    unsafe fuse_reply_attr(request, &status, attributes.memorySeconds)
    discard self
  }

  consuming func written(_ count: Int) {
    unsafe fuse_reply_write(request, count)
    discard self
  }

  consuming func bytes(_ bytes: ArraySlice<UInt8>) {
    // SAFETY: the slice's storage lives for the call.
    unsafe bytes.withUnsafeBytes { buffer in
      _ = unsafe fuse_reply_buf(
        request, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count)
    }
    discard self
  }

  consuming func link(_ target: [UInt8]) {
    // SAFETY: zero-terminated for the call.
    unsafe (target + [0]).withUnsafeBytes { buffer in
      guard let text = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self) else {
        return
      }
      _ = unsafe fuse_reply_readlink(request, text)
    }
    discard self
  }

  consuming func opened(_ handle: UInt64, of info: UnsafeMutablePointer<fuse_file_info>) {
    unsafe info.pointee.fh = handle
    unsafe fuse_reply_open(request, info)
    discard self
  }

  consuming func ready(_ events: UInt32) {
    unsafe fuse_reply_poll(request, events)
    discard self
  }

  consuming func space(used: UInt64, limit: UInt64) {
    var space = statvfs()
    space.f_bsize = 4096
    space.f_namemax = 255
    space.f_files = fsfilcnt_t(limit)
    space.f_ffree = fsfilcnt_t(limit - min(used, limit))
    space.f_favail = space.f_ffree
    unsafe fuse_reply_statfs(request, &space)
    discard self
  }

  /// Directory entries from `offset` on, as many as fit into `capacity` bytes.
  consuming func listing(_ entries: [DirectoryEntry], from offset: Int, capacity: Int) {
    var name: [UInt8] = []
    // SAFETY: not yet initialized bytes are only written, and what is sent ends where they begin.
    let buffer = unsafe [CChar](unsafeUninitializedCapacity: min(max(capacity, 0), 65_536)) {
      (buffer, used) in
      var index = max(0, offset)
      while index < entries.count {
        var status = stat()
        status.st_ino = UInt(entries[index].node.rawValue)
        status.st_mode = entries[index].kind.modeBits
        name.removeAll(keepingCapacity: true)
        name.append(contentsOf: entries[index].name)
        name.append(0)
        index += 1
        let rest = unsafe UnsafeMutableBufferPointer(rebasing: buffer[used...])
        // SAFETY: the rest of the buffer is passed with its own length, and an entry that does not
        // fit is not written; the name is zero-terminated.
        let size = unsafe name.withUnsafeBytes { bytes in
          unsafe fuse_add_direntry(
            request, rest.baseAddress, rest.count,
            bytes.assumingMemoryBound(to: CChar.self).baseAddress,
            &status, off_t(index))
        }
        guard size <= rest.count else { break }
        used += size
      }
    }
    unsafe fuse_reply_buf(request, buffer, buffer.count)
    discard self
  }
}

extension NodeAttributes {
  fileprivate var memorySeconds: Double {
    lasting == .nameAndAttributes ? FuseMount.memorySeconds : 0
  }
}

extension NodeKind {
  fileprivate var modeBits: mode_t {
    switch self {
    case .directory: Glibc.S_IFDIR
    case .file: Glibc.S_IFREG
    case .link: Glibc.S_IFLNK
    }
  }
}

extension NodeAttributes {
  fileprivate var status: stat {
    var status = stat()
    status.st_ino = UInt(node.rawValue)
    status.st_mode = kind.modeBits | permissions
    status.st_nlink = nlink_t(linkCount)
    status.st_uid = uid
    status.st_gid = gid
    status.st_size = off_t(clamping: byteCount)
    status.st_blksize = 4096
    let time = timespec(
      tv_sec: Int(changed / 1_000_000_000), tv_nsec: Int(changed % 1_000_000_000))
    status.st_mtim = time
    status.st_ctim = time
    status.st_atim = time
    return status
  }
}
