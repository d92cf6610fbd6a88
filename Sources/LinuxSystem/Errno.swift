internal import Glibc

/// An error number of the kernel, errno(3), as a value.
public struct Errno: Error, Hashable, Sendable {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static let notPermitted = Errno(rawValue: EPERM)
  public static let noEntry = Errno(rawValue: ENOENT)
  public static let inputOutput = Errno(rawValue: EIO)
  public static let badDescriptor = Errno(rawValue: EBADF)
  public static let again = Errno(rawValue: EAGAIN)
  public static let noMemory = Errno(rawValue: ENOMEM)
  public static let accessDenied = Errno(rawValue: EACCES)
  public static let badAddress = Errno(rawValue: EFAULT)
  public static let busy = Errno(rawValue: EBUSY)
  public static let exists = Errno(rawValue: EEXIST)
  public static let noDevice = Errno(rawValue: ENODEV)
  public static let noSuchDevice = Errno(rawValue: ENXIO)
  public static let notDirectory = Errno(rawValue: ENOTDIR)
  public static let isDirectory = Errno(rawValue: EISDIR)
  public static let invalid = Errno(rawValue: EINVAL)
  public static let notTerminal = Errno(rawValue: ENOTTY)
  public static let fileTooLarge = Errno(rawValue: EFBIG)
  public static let noSpace = Errno(rawValue: ENOSPC)
  public static let readOnly = Errno(rawValue: EROFS)
  public static let brokenPipe = Errno(rawValue: EPIPE)
  public static let nameTooLong = Errno(rawValue: ENAMETOOLONG)
  public static let notImplemented = Errno(rawValue: ENOSYS)
  public static let wrongProtocol = Errno(rawValue: EPROTO)
  public static let notEmpty = Errno(rawValue: ENOTEMPTY)
  public static let tooManyLinks = Errno(rawValue: ELOOP)
  public static let messageTooLong = Errno(rawValue: EMSGSIZE)
  public static let notSupported = Errno(rawValue: EOPNOTSUPP)
  public static let connectionReset = Errno(rawValue: ECONNRESET)
  public static let notConnected = Errno(rawValue: ENOTCONN)
  public static let connectionRefused = Errno(rawValue: ECONNREFUSED)
  public static let addressInUse = Errno(rawValue: EADDRINUSE)
  public static let badState = Errno(rawValue: EBADFD)
  public static let wrongSocketType = Errno(rawValue: EPROTOTYPE)
  public static let timedOut = Errno(rawValue: ETIMEDOUT)
  public static let interrupted = Errno(rawValue: EINTR)
  public static let restart = Errno(rawValue: ERESTART)
  public static let stale = Errno(rawValue: ESTALE)
  public static let tooManyOpenFiles = Errno(rawValue: ENFILE)
  public static let quotaExceeded = Errno(rawValue: EDQUOT)

  /// The symbolic name and the C library's sentence: `EBUSY (Device or resource busy)`.
  public var text: String { "\(name) (\(sentence))" }
}

/// Passes a shim's answer on, or throws the errno it negated.
func checked(_ answer: Int32) throws(Errno) -> Int32 {
  guard answer >= 0 else { throw Errno(rawValue: -answer) }
  return answer
}

func checked(_ answer: Int) throws(Errno) -> Int {
  guard answer >= 0 else { throw Errno(rawValue: Int32(clamping: -answer)) }
  return answer
}
