internal import Glibc

/// Reads once, into `bytes` from index `start` on: at most `count`. Answers how many came.
package func readOnce(
  _ file: Int32, _ count: Int, into bytes: inout MutableSpan<UInt8>, at start: Int = 0
) throws(Errno) -> Int {
  precondition(start >= 0 && count >= 0 && start <= bytes.count && bytes.count - start >= count)
  let (answer, code) = unsafe bytes.withUnsafeMutableBytes { buffer in
    // SAFETY: the range was checked.
    unsafe (Glibc.read(file, buffer.baseAddress.map { unsafe $0 + start }, count), errno)
  }
  guard answer >= 0 else { throw Errno(rawValue: code) }
  return answer
}

/// Writes bytes once; answers how many were taken.
package func writeOnce(_ file: Int32, _ bytes: borrowing Span<UInt8>) throws(Errno) -> Int {
  let (answer, code) = unsafe bytes.withUnsafeBytes { buffer in
    // SAFETY: the buffer has as many bytes as it says.
    unsafe (Glibc.write(file, buffer.baseAddress, buffer.count), errno)
  }
  guard answer >= 0 else { throw Errno(rawValue: code) }
  return answer
}
