internal import CLinux
internal import Glibc

/// What fstat(2) tells of an open file, as far as vbusfs asks.
package struct FileFacts: Sendable, Equatable {
  package enum Kind: Sendable {
    case regular, directory, link, fifo, socket, character, block, other
  }

  package let kind: Kind
  package let byteCount: UInt64
  /// The number of the file system that holds the file, `st_dev`.
  package let fileSystem: UInt64
  package let inode: UInt64
  package let permissions: UInt32
  package let uid: UInt32
  package let gid: UInt32
  /// The least common block size for input and output, `st_blksize`.
  package let blockSize: UInt32
}

/// Flags of open(2) by name; they combine with `|`.
package struct OpenFlags: OptionSet, Sendable {
  package let rawValue: Int32
  package init(rawValue: Int32) { self.rawValue = rawValue }

  package static let readOnly: OpenFlags = []
  package static let writeOnly = OpenFlags(rawValue: O_WRONLY)
  package static let readWrite = OpenFlags(rawValue: O_RDWR)
  package static let create = OpenFlags(rawValue: O_CREAT)
  package static let exclusive = OpenFlags(rawValue: O_EXCL)
  package static let truncate = OpenFlags(rawValue: O_TRUNC)
  package static let append = OpenFlags(rawValue: O_APPEND)
  package static let nonblocking = OpenFlags(rawValue: O_NONBLOCK)
  package static let noFollow = OpenFlags(rawValue: O_NOFOLLOW)
  package static let directory = OpenFlags(rawValue: O_DIRECTORY)
  /// A terminal that is opened does not become the process's own.
  package static let noTerminal = OpenFlags(rawValue: O_NOCTTY)
  /// O_PATH: names a file without opening it.
  package static let pathOnly = OpenFlags(rawValue: 0o10000000)
}

package func open(
  _ path: String, _ flags: OpenFlags, permissions: UInt32 = 0o600
) throws(Errno) -> Descriptor {
  // SAFETY: the string lives for the call.
  Descriptor(owning: try checked(unsafe linux_open(path, flags.rawValue, permissions)))
}

package func facts(of file: Descriptor) throws(Errno) -> FileFacts {
  var status = stat()
  // SAFETY: a live local of the right type.
  guard unsafe fstat(file.number, &status) == 0 else { throw Errno(rawValue: errno) }
  return FileFacts(status)
}

/// As `facts(of:)`, by name and without following a link in the last component.
package func facts(at path: String) throws(Errno) -> FileFacts {
  var status = stat()
  // SAFETY: the string and the local live for the call.
  guard unsafe lstat(path, &status) == 0 else { throw Errno(rawValue: errno) }
  return FileFacts(status)
}

extension FileFacts {
  fileprivate init(_ status: stat) {
    kind =
      switch status.st_mode & S_IFMT {
      case S_IFREG: .regular
      case S_IFDIR: .directory
      case S_IFLNK: .link
      case S_IFIFO: .fifo
      case S_IFSOCK: .socket
      case S_IFCHR: .character
      case S_IFBLK: .block
      default: .other
      }
    byteCount = UInt64(clamping: status.st_size)
    fileSystem = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    permissions = status.st_mode & 0o7777
    uid = status.st_uid
    gid = status.st_gid
    blockSize = UInt32(clamping: status.st_blksize)
  }
}

/// The size in bytes of an open block device, BLKGETSIZE64.
package func blockDeviceSize(_ file: Descriptor) throws(Errno) -> UInt64 {
  var bytes: UInt64 = 0
  // SAFETY: a live local.
  _ = try checked(unsafe linux_block_device_size(file.number, &bytes))
  return bytes
}

package func resize(_ file: Descriptor, to byteCount: UInt64) throws(Errno) {
  guard let length = Int(exactly: byteCount) else { throw .fileTooLarge }
  guard ftruncate(file.number, length) == 0 else { throw Errno(rawValue: errno) }
}

/// Reads up to `capacity` bytes from the file's position; empty at its end.
package func read(_ file: Descriptor, upTo capacity: Int) throws(Errno) -> [UInt8] {
  var failure: Errno?
  let bytes = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
    // SAFETY: the buffer has `capacity` bytes.
    let answer = unsafe Glibc.read(file.number, buffer.baseAddress, capacity)
    if answer < 0 { failure = Errno(rawValue: errno) }
    count = max(0, answer)
  }
  if let failure { throw failure }
  return bytes
}

/// Reads a whole file of at most `limit` bytes.
package func readFile(_ path: String, limit: Int = 1 << 20) throws(Errno) -> [UInt8] {
  let file = try open(path, .readOnly)
  var bytes: [UInt8] = []
  while bytes.count < limit {
    let part = try read(file, upTo: min(65536, limit - bytes.count))
    if part.isEmpty { break }
    bytes += part
  }
  return bytes
}

/// Writes all bytes at the file's position.
package func write(_ bytes: [UInt8], to file: Descriptor) throws(Errno) {
  var rest = bytes[...]
  while !rest.isEmpty {
    // SAFETY: the buffer is the slice's own storage, alive for the closure.
    let (count, code) = unsafe rest.withUnsafeBytes { buffer in
      unsafe (Glibc.write(file.number, buffer.baseAddress, buffer.count), errno)
    }
    guard count >= 0 else { throw Errno(rawValue: code) }
    rest = rest.dropFirst(count)
  }
}

package func unlink(_ path: String) throws(Errno) {
  // SAFETY: the string lives for the call.
  guard unsafe Glibc.unlink(path) == 0 else { throw Errno(rawValue: errno) }
}

package func makeDirectory(_ path: String, permissions: UInt32) throws(Errno) {
  // SAFETY: the string lives for the call.
  guard unsafe mkdir(path, permissions) == 0 else { throw Errno(rawValue: errno) }
}

package func removeDirectory(_ path: String) throws(Errno) {
  // SAFETY: the string lives for the call.
  guard unsafe rmdir(path) == 0 else { throw Errno(rawValue: errno) }
}

package func rename(_ old: String, to new: String) throws(Errno) {
  // SAFETY: the strings live for the call.
  guard unsafe Glibc.rename(old, new) == 0 else { throw Errno(rawValue: errno) }
}

package func setPermissions(_ path: String, _ mode: UInt32) throws(Errno) {
  // SAFETY: the string lives for the call.
  guard unsafe chmod(path, mode) == 0 else { throw Errno(rawValue: errno) }
}

package func setOwner(_ path: String, uid: UInt32, gid: UInt32) throws(Errno) {
  // SAFETY: the string lives for the call.
  guard unsafe lchown(path, uid, gid) == 0 else { throw Errno(rawValue: errno) }
}

/// The names in a directory, without `.` and `..`, in no order.
package func names(in path: String) throws(Errno) -> [String] {
  // SAFETY: the stream is closed on every way out, and an entry is read before the next call.
  guard let stream = unsafe opendir(path) else { throw Errno(rawValue: errno) }
  defer { unsafe closedir(stream) }
  var names: [String] = []
  while let entry = unsafe readdir(stream) {
    let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { text in
      unsafe text.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
    }
    if name != ".", name != ".." { names.append(name) }
  }
  return names
}

/// The target text of a symbolic link.
package func linkTarget(_ path: String) throws(Errno) -> String {
  var failure: Errno?
  let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
    // SAFETY: the buffer has 4096 bytes.
    let answer = unsafe linux_read_link(path, buffer.baseAddress, 4096)
    if answer < 0 { failure = Errno(rawValue: Int32(-answer)) }
    count = max(0, answer)
  }
  if let failure { throw failure }
  return String(decoding: bytes, as: UTF8.self)
}

/// Opens anew, with other flags, the file behind an O_PATH descriptor: the file cannot be
/// exchanged in between, and the caller's rights on it are checked again.
package func reopen(_ file: Descriptor, _ flags: OpenFlags) throws(Errno) -> Descriptor {
  try open("/proc/self/fd/\(file.number)", flags)
}

/// Refuses whose effective rights do not let them write to a file, named by an O_PATH descriptor.
package func checkMayWrite(_ file: Descriptor) throws(Errno) {
  // SAFETY: the string lives for the call.
  _ = try checked(unsafe linux_may_write("/proc/self/fd/\(file.number)"))
}

/// Takes an exclusive lock on a file, flock(2); `.again` when another process holds it.
package func lockExclusively(_ file: Descriptor) throws(Errno) {
  guard flock(file.number, LOCK_EX | LOCK_NB) == 0 else { throw Errno(rawValue: errno) }
}

/// Reads from the start of a file whose text may have changed since it was read last.
package func readAgain(_ file: Descriptor, upTo capacity: Int) throws(Errno) -> [UInt8] {
  guard lseek(file.number, 0, SEEK_SET) == 0 else { throw Errno(rawValue: errno) }
  return try read(file, upTo: capacity)
}

/// Replaces the content of a file, which is made if missing.
package func write(_ bytes: [UInt8], toFile path: String) throws(Errno) {
  try write(bytes, to: open(path, [.writeOnly, .create, .truncate], permissions: 0o644))
}
