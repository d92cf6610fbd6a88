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

  init(_ request: [UInt8]) {
    byteCount = UInt32(Self.number(request, at: 0, byteCount: 4))
    operation = Operation(rawValue: UInt32(Self.number(request, at: 4, byteCount: 4)))
    unique = Self.number(request, at: 8, byteCount: 8)
    node = Self.number(request, at: 16, byteCount: 8)
    uid = UInt32(Self.number(request, at: 24, byteCount: 4))
    gid = UInt32(Self.number(request, at: 28, byteCount: 4))
    pid = UInt32(Self.number(request, at: 32, byteCount: 4))
  }

  /// The kernel's handle in a POLL request (struct fuse_poll_in), which libfuse keeps to itself.
  static func pollHandle(_ request: [UInt8]) -> UInt64 { number(request, at: 48, byteCount: 8) }

  /// The number of the request that an INTERRUPT is about (struct fuse_interrupt_in).
  static func interrupted(_ request: [UInt8]) -> UInt64 { number(request, at: 40, byteCount: 8) }

  private static func number(_ bytes: [UInt8], at offset: Int, byteCount: Int) -> UInt64 {
    guard bytes.count >= offset + byteCount else { return 0 }
    var value: UInt64 = 0
    for index in (0..<byteCount).reversed() { value = value << 8 | UInt64(bytes[offset + index]) }
    return value
  }
}
