internal import CFuse3
internal import CLinux
internal import Glibc
internal import LinuxSystem

/// libfuse's session on a /dev/fuse descriptor that somebody else mounted and keeps.
@safe final class Session {
  private let session: OpaquePointer
  /// Where libfuse finds the request it works on, for it writes into what it is given.
  private let request: UnsafeMutableRawPointer

  /// The session calls `mount` back, which owns it.
  init(of mount: FuseMount, on fuse: Descriptor) throws(Errno) {
    var operations = lowLevelOperations()
    var name: UnsafeMutablePointer<CChar>? = unsafe strdup("vbusfs")
    defer { unsafe free(name) }
    // SAFETY: libfuse copies the operations and the arguments; the mount outlives its session.
    let made = unsafe withUnsafeMutablePointer(to: &name) { names in
      var arguments = unsafe fuse_args(argc: 1, argv: names, allocated: 0)
      return unsafe fuse_session_new(
        &arguments, &operations, MemoryLayout<fuse_lowlevel_ops>.size,
        Unmanaged.passUnretained(mount).toOpaque())
    }
    guard let made = unsafe made else { throw .noMemory }
    unsafe session = made
    unsafe request = .allocate(byteCount: RequestSlots.slotByteCount, alignment: 16)
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
    unsafe request.deallocate()
  }

  /// Serves the request in a slot. The reply goes out through `sendReply`, now or later.
  func process(_ slot: Int, of slots: RequestSlots) {
    // SAFETY: the memory holds a whole slot.
    process(byteCount: unsafe slots.copyRequest(in: slot, to: request))
  }

  /// Serves a request that lies in no slot.
  func process(_ bytes: [UInt8]) {
    precondition(bytes.count <= RequestSlots.slotByteCount)
    // SAFETY: checked to fit.
    unsafe bytes.withUnsafeBytes { buffer in
      guard let start = buffer.baseAddress else { return }
      unsafe request.copyMemory(from: start, byteCount: buffer.count)
    }
    process(byteCount: bytes.count)
  }

  // SAFETY: the memory lives as long as the session, and libfuse keeps nothing of it.
  private func process(byteCount: Int) {
    var message = unsafe fuse_buf()
    unsafe message.size = byteCount
    unsafe message.mem = request
    unsafe fuse_session_process_buf(session, &message)
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
  // SAFETY: the user data is the mount given to fuse_session_new; the first part is a whole
  // struct fuse_out_header, 16 bytes with `unique` at 8.
  let mount = unsafe Unmanaged<FuseMount>.fromOpaque(userData).takeUnretainedValue()
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
