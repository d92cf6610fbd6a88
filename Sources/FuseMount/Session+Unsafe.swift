internal import CFuse3
internal import CLinux
internal import Glibc
internal import LinuxSystem

/// libfuse's session on a /dev/fuse descriptor that somebody else mounted and keeps.
@safe final class Session {
  private let session: OpaquePointer
  private let context: Unmanaged<Context>

  /// What libfuse hands back to the callbacks.
  final class Context {
    unowned let mount: FuseMount
    init(_ mount: FuseMount) { self.mount = mount }
  }

  init(of mount: FuseMount, on fuse: Descriptor) throws(Errno) {
    let context = unsafe Unmanaged.passRetained(Context(mount))
    unsafe self.context = context
    var operations = lowLevelOperations()
    var name: UnsafeMutablePointer<CChar>? = unsafe strdup("vbusfs")
    defer { unsafe free(name) }
    // SAFETY: libfuse copies the operations and the arguments; the context lives until deinit.
    let made = unsafe withUnsafeMutablePointer(to: &name) { names in
      var arguments = unsafe fuse_args(argc: 1, argv: names, allocated: 0)
      return unsafe fuse_session_new(
        &arguments, &operations, MemoryLayout<fuse_lowlevel_ops>.size, context.toOpaque())
    }
    guard let made = unsafe made else {
      unsafe context.release()
      throw .noMemory
    }
    unsafe session = made
    var transport = unsafe fuse_custom_io(
      writev: { unsafe sendReply($0, $1, $2, $3) },
      read: { _, _, _, _ in -1 }, splice_receive: nil, splice_send: nil)
    // libfuse closes the number it is given: it gets one of its own.
    let own = fcntl(fuse.number, F_DUPFD_CLOEXEC, 3)
    guard unsafe fuse_session_custom_io(session, &transport, own) == 0 else {
      throw .invalid
    }
  }

  deinit {
    unsafe fuse_session_destroy(session)
    unsafe context.release()
  }

  /// Serves one request. The reply goes out through `sendReply`, now or later.
  func process(_ request: [UInt8]) {
    var bytes = request
    // SAFETY: the copy lives for the call, and libfuse keeps nothing of it.
    unsafe bytes.withUnsafeMutableBytes { buffer in
      var message = unsafe fuse_buf()
      unsafe message.size = buffer.count
      unsafe message.mem = buffer.baseAddress
      unsafe fuse_session_process_buf(session, &message)
    }
  }
}

/// Sends one reply to the kernel in one piece, then frees the request's slot. That the kernel knows
/// the request no more (the INIT of a predecessor, an answer given twice) is no error here.
private func sendReply(
  _ fuse: Int32, _ parts: UnsafeMutablePointer<iovec>?, _ count: Int32,
  _ userData: UnsafeMutableRawPointer?
) -> Int {
  guard let parts = unsafe parts, let userData = unsafe userData else { return -1 }
  let sent = unsafe writev(fuse, parts, count)
  // SAFETY: the user data is the context given to fuse_session_new; the first part is a whole
  // struct fuse_out_header, 16 bytes with `unique` at 8.
  let mount = unsafe Unmanaged<Session.Context>.fromOpaque(userData).takeUnretainedValue().mount
  let unique = unsafe parts.pointee.iov_base.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
  mount.answered(unique)
  guard sent < 0, errno == ENOENT || errno == EINVAL else { return sent }
  return (0..<Int(count)).reduce(0) { unsafe $0 + parts[$1].iov_len }
}

/// Tells the kernel that a poller's file changed (FUSE_NOTIFY_POLL). Written by hand because
/// libfuse can only name handles that this same process was given.
func notifyPoll(_ handle: UInt64, on fuse: Descriptor) {
  var wire = WireWriter()
  wire.put(UInt32(24))
  wire.put(Int32(1))
  wire.put(UInt64(0))
  wire.put(handle)
  // A handle whose file was closed meanwhile is refused by the kernel, and nobody waits on it.
  try? write(wire.bytes, to: fuse)
}

/// Tells the kernel to ask for a node's attributes again (FUSE_NOTIFY_INVAL_INODE). The offset, -1,
/// leaves data alone, of which the kernel keeps none.
func forgetAttributes(of node: NodeID, on fuse: Descriptor) {
  var wire = WireWriter()
  wire.put(UInt32(40))
  wire.put(Int32(2))
  wire.put(UInt64(0))
  wire.put(node.rawValue)
  wire.put(UInt64.max)
  wire.put(UInt64(0))
  // ENOENT: it remembers nothing of this node.
  try? write(wire.bytes, to: fuse)
}

/// Answers a request with an error, past libfuse, which never hears of it.
func refuse(_ unique: UInt64, _ errno: Errno, on fuse: Descriptor) {
  var wire = WireWriter()
  wire.put(UInt32(16))
  wire.put(-errno.rawValue)
  wire.put(unique)
  // The kernel may have had its answer already.
  try? write(wire.bytes, to: fuse)
}
