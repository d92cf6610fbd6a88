/// The head of every request of the kernel (struct fuse_in_header of linux/fuse.h).
struct RequestHeader: Equatable {
  let byteCount: UInt32
  let operation: Operation?
  let unique: UInt64
  let node: UInt64
  let uid: UInt32
  let gid: UInt32
  let pid: UInt32

  /// The operations that this module treats specially, by the kernel's numbers.
  enum Operation: UInt32 {
    case forget = 2
    case initialize = 26
    case interrupt = 36
    case poll = 40
    case notifyReply = 41
    case batchForget = 42

    /// The kernel waits for no answer to it.
    var isUnanswered: Bool {
      switch self {
      case .forget, .interrupt, .notifyReply, .batchForget: true
      case .initialize, .poll: false
      }
    }
  }
}
