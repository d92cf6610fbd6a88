internal import Glibc
internal import VbusClient

/// Why a function of the library fails: each is an errno for the program and a sentence for a
/// person.
enum CallFault: Error {
  case bus(BusError)
  /// A number that stands for nothing, or for something of another kind.
  case noSuchNumber(Int32)
  /// A pointer is NULL that must not be.
  case nullPointer
  /// A buffer that is not taken.
  case noSuchBuffer
  /// What no host can do.
  case malformed
  /// Every number has been given.
  case noNumberLeft

  var errno: Int32 {
    switch self {
    case .bus(let error): Self.errno(of: error)
    case .noSuchNumber: EBADF
    case .nullPointer: EFAULT
    case .noSuchBuffer, .malformed: EINVAL
    case .noNumberLeft: EMFILE
    }
  }

  private static func errno(of error: BusError) -> Int32 {
    switch error {
    case .refused(let errno), .unreachable(let errno), .exhausted(let errno): errno.rawValue
    case .disconnected: ENOTCONN
    case .timedOut: ETIMEDOUT
    case .nonsense: EPROTO
    case .ring, .chain: EBADMSG
    case .noRoom: ENOBUFS
    }
  }

  var sentence: String {
    switch self {
    case .bus(let error): error.sentence
    case .noSuchNumber(let number): "\(number) is not the number of such a thing"
    case .nullPointer: "a pointer is NULL"
    case .noSuchBuffer: "a buffer is not one that was taken from this memory"
    case .malformed: "an argument is one that no bus can do anything with"
    case .noNumberLeft: "every number has been given"
    }
  }
}

/// Runs something of the client's, whose errors are passed on.
func bus<Result>(_ body: () throws(BusError) -> Result) throws(CallFault) -> Result {
  do throws(BusError) { return try body() } catch { throw .bus(error) }
}
