internal import CFuse
internal import CLinux
internal import Glibc
internal import LinuxSystem

/// Sends messages to the kernel, each in one piece.
///
/// That the kernel takes one no more is no error here: it forgot the request when its caller was
/// killed, or had its answer from a predecessor.
struct KernelChannel {
  let fuse: Descriptor

  /// Answers the request with the kernel's number `unique`. `later` and `silence` send nothing.
  func send(_ reply: Reply, to unique: UInt64) {
    switch reply {
    case .later, .silence: return
    case .refused(let error): send(error: error.errno.rawValue, to: unique)
    case .done: send(error: 0, to: unique)
    case .attributes(let attributes): send(Self.answer(attributes), to: unique)
    case .entry(let attributes): send(Self.entry(attributes), to: unique)
    case .opened(let handle, let flags):
      send(fuse_open_out(fh: handle, open_flags: flags, padding: 0), to: unique)
    case .text(let text, let offset, let count):
      let part = max(0, min(offset, text.count))..<min(text.count, max(0, offset) + count)
      unsafe text.withUnsafeBytes { unsafe send(.init(rebasing: $0[part]), to: unique) }
    case .written(let count):
      send(fuse_write_out(size: UInt32(count), padding: 0), to: unique)
    case .listing(let entries, let offset, let count):
      let bytes = Self.listing(entries, from: offset, byteCountMax: count)
      unsafe bytes.withUnsafeBytes { unsafe send($0, to: unique) }
    case .ready(let events): send(fuse_poll_out(revents: events, padding: 0), to: unique)
    case .space(let used, let limit): send(Self.space(used: used, limit: limit), to: unique)
    case .agreement(let minor, let flags):
      send(Self.agreement(minor: minor, flags: flags), to: unique)
    }
  }

  // MARK: Notifications

  /// Tells the kernel that a poller's file changed (FUSE_NOTIFY_POLL). A handle whose file was
  /// closed meanwhile is refused by the kernel, and nobody waits on it.
  func notifyPoll(_ handle: UInt64) {
    send(
      fuse_notify_poll_wakeup_out(kh: handle), error: Int32(FUSE_NOTIFY_POLL.rawValue), to: 0)
  }

  /// Tells the kernel to ask for a node's attributes again (FUSE_NOTIFY_INVAL_INODE). The offset, -1,
  /// leaves data alone, of which the kernel keeps none.
  func forgetAttributes(of node: NodeID) {
    send(
      fuse_notify_inval_inode_out(ino: node.rawValue, off: -1, len: 0),
      error: Int32(FUSE_NOTIFY_INVAL_INODE.rawValue), to: 0)
  }

  // MARK: Sending

  private struct Message<Body: BitwiseCopyable> {
    var header: fuse_out_header
    var body: Body
  }

  /// Sends a head and what the operation itself defines. A notification has no number, and its code
  /// where an answer has its error.
  private func send<Body: BitwiseCopyable>(_ body: Body, error: Int32 = 0, to unique: UInt64) {
    let byteCount = MemoryLayout<fuse_out_header>.size + MemoryLayout<Body>.size
    let message = Message(
      header: fuse_out_header(len: UInt32(byteCount), error: error, unique: unique), body: body)
    // SAFETY: both are structs of C without holes between them, and live for the call.
    unsafe withUnsafeBytes(of: message) { bytes in
      _ = unsafe linux_write(fuse.number, bytes.baseAddress, byteCount)
    }
  }

  private func send(error: Int32, to unique: UInt64) {
    let byteCount = MemoryLayout<fuse_out_header>.size
    let header = fuse_out_header(len: UInt32(byteCount), error: -error, unique: unique)
    // SAFETY: lives for the call.
    unsafe withUnsafeBytes(of: header) { bytes in
      _ = unsafe linux_write(fuse.number, bytes.baseAddress, byteCount)
    }
  }

  // SAFETY: the caller's bytes live for the call; nothing is written to them.
  private func send(_ bytes: UnsafeRawBufferPointer, to unique: UInt64) {
    let byteCount = MemoryLayout<fuse_out_header>.size
    var header = fuse_out_header(
      len: UInt32(byteCount + bytes.count), error: 0, unique: unique)
    unsafe withUnsafeMutableBytes(of: &header) { head in
      var parts = unsafe (
        iovec(iov_base: head.baseAddress, iov_len: byteCount),
        iovec(
          iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
      )
      unsafe withUnsafeBytes(of: &parts) { list in
        _ = unsafe linux_write_vector(
          fuse.number, list.baseAddress?.assumingMemoryBound(to: iovec.self), 2)
      }
    }
  }
}

// MARK: Forms

extension KernelChannel {
  private static func answer(_ attributes: NodeAttributes) -> fuse_attr_out {
    fuse_attr_out(
      attr_valid: attributes.lasting == .nameAndAttributes ? FuseMount.memorySeconds : 0,
      attr_valid_nsec: 0, dummy: 0, attr: form(attributes))
  }

  private static func entry(_ attributes: NodeAttributes) -> fuse_entry_out {
    fuse_entry_out(
      nodeid: attributes.node.rawValue, generation: 0,
      entry_valid: attributes.lasting == .nothing ? 0 : FuseMount.memorySeconds,
      attr_valid: attributes.lasting == .nameAndAttributes ? FuseMount.memorySeconds : 0,
      entry_valid_nsec: 0, attr_valid_nsec: 0, attr: form(attributes))
  }

  private static func form(_ attributes: NodeAttributes) -> fuse_attr {
    let seconds = attributes.changed / 1_000_000_000
    let rest = UInt32(attributes.changed % 1_000_000_000)
    return fuse_attr(
      ino: attributes.node.rawValue, size: attributes.byteCount, blocks: 0, atime: seconds,
      mtime: seconds, ctime: seconds, atimensec: rest, mtimensec: rest, ctimensec: rest,
      mode: attributes.kind.modeBits | attributes.permissions, nlink: attributes.linkCount,
      uid: attributes.uid, gid: attributes.gid, rdev: 0, blksize: 4096, flags: 0)
  }

  /// As struct fuse_dirent: a number, the place of the next entry, the name's length and the node's
  /// type, then the name, padded to 8 bytes.
  private static func listing(
    _ entries: [DirectoryEntry], from offset: Int, byteCountMax: Int
  ) -> [UInt8] {
    let capacity = min(max(byteCountMax, 0), 65_536)
    // SAFETY: an entry is written only where its whole padded size fits, and what is answered ends
    // where bytes begin that were not written.
    return unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, used in
      guard var place = UnsafeMutableRawPointer(buffer.baseAddress) else { return }
      // A span, for to take an entry out of an array counts a reference.
      let entries = entries.span
      var index = max(0, offset)
      while index < entries.count {
        let nameCount = entries[index].name.count
        let size = (24 + nameCount + 7) & ~7
        guard size <= capacity - used else { break }
        unsafe (place + size - 8).storeBytes(of: 0, as: UInt64.self)
        unsafe place.storeBytes(of: entries[index].node.rawValue, as: UInt64.self)
        unsafe place.storeBytes(of: UInt64(index + 1), toByteOffset: 8, as: UInt64.self)
        unsafe place.storeBytes(of: UInt32(nameCount), toByteOffset: 16, as: UInt32.self)
        unsafe place.storeBytes(
          of: entries[index].kind.modeBits >> 12, toByteOffset: 20, as: UInt32.self)
        unsafe entries[index].name.withUnsafeBytes { name in
          guard let start = name.baseAddress else { return }
          unsafe (place + 24).copyMemory(from: start, byteCount: nameCount)
        }
        unsafe place += size
        index += 1
        used += size
      }
    }
  }

  private static func space(used: UInt64, limit: UInt64) -> fuse_statfs_out {
    var answer = fuse_statfs_out()
    answer.st.bsize = 4096
    answer.st.frsize = 4096
    answer.st.namelen = 255
    answer.st.files = limit
    answer.st.ffree = limit - min(used, limit)
    return answer
  }

  private static func agreement(minor: UInt32, flags: UInt32) -> fuse_init_out {
    var answer = fuse_init_out()
    answer.major = UInt32(FUSE_KERNEL_VERSION)
    answer.minor = minor
    answer.flags = flags
    answer.max_write = UInt32(RequestSlots.writeByteCountMax)
    answer.max_pages = UInt16(RequestSlots.writeByteCountMax / 4096)
    answer.time_gran = 1
    return answer
  }
}

extension NodeKind {
  fileprivate var modeBits: UInt32 {
    switch self {
    case .directory: Glibc.S_IFDIR
    case .file: Glibc.S_IFREG
    case .link: Glibc.S_IFLNK
    }
  }
}
