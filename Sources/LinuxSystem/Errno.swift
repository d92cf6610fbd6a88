internal import Glibc

/// An error number of the kernel, errno(3), as a value.
///
/// Public for the sake of `MemoryFault`.
public struct Errno: Error, Hashable, Sendable {
  public let rawValue: Int32

  package init(rawValue: Int32) { self.rawValue = rawValue }

  package static let notPermitted = Errno(rawValue: EPERM)
  package static let noEntry = Errno(rawValue: ENOENT)
  package static let inputOutput = Errno(rawValue: EIO)
  package static let badDescriptor = Errno(rawValue: EBADF)
  package static let again = Errno(rawValue: EAGAIN)
  package static let noMemory = Errno(rawValue: ENOMEM)
  package static let accessDenied = Errno(rawValue: EACCES)
  package static let badAddress = Errno(rawValue: EFAULT)
  package static let busy = Errno(rawValue: EBUSY)
  package static let exists = Errno(rawValue: EEXIST)
  package static let noDevice = Errno(rawValue: ENODEV)
  package static let noSuchDevice = Errno(rawValue: ENXIO)
  package static let notDirectory = Errno(rawValue: ENOTDIR)
  package static let isDirectory = Errno(rawValue: EISDIR)
  package static let invalid = Errno(rawValue: EINVAL)
  package static let notTerminal = Errno(rawValue: ENOTTY)
  package static let fileTooLarge = Errno(rawValue: EFBIG)
  package static let noSpace = Errno(rawValue: ENOSPC)
  package static let readOnly = Errno(rawValue: EROFS)
  package static let brokenPipe = Errno(rawValue: EPIPE)
  package static let nameTooLong = Errno(rawValue: ENAMETOOLONG)
  package static let notImplemented = Errno(rawValue: ENOSYS)
  package static let wrongProtocol = Errno(rawValue: EPROTO)
  package static let notEmpty = Errno(rawValue: ENOTEMPTY)
  package static let tooManyLinks = Errno(rawValue: ELOOP)
  package static let messageTooLong = Errno(rawValue: EMSGSIZE)
  package static let notSupported = Errno(rawValue: EOPNOTSUPP)
  package static let connectionReset = Errno(rawValue: ECONNRESET)
  package static let notConnected = Errno(rawValue: ENOTCONN)
  package static let connectionRefused = Errno(rawValue: ECONNREFUSED)
  package static let addressInUse = Errno(rawValue: EADDRINUSE)
  package static let badState = Errno(rawValue: EBADFD)
  package static let wrongSocketType = Errno(rawValue: EPROTOTYPE)
  package static let timedOut = Errno(rawValue: ETIMEDOUT)
  package static let interrupted = Errno(rawValue: EINTR)
  package static let restart = Errno(rawValue: ERESTART)
  package static let stale = Errno(rawValue: ESTALE)
  package static let tooManyOpenFiles = Errno(rawValue: ENFILE)
  package static let quotaExceeded = Errno(rawValue: EDQUOT)

  /// The symbolic name and the C library's sentence: `EBUSY (Device or resource busy)`.
  package var text: String { "\(name) (\(sentence))" }
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
