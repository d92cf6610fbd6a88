internal import CLinux

/// Fills the first `count` bytes with what the kernel's generator gives, getrandom(2).
package func fillRandom(_ bytes: inout MutableSpan<UInt8>, _ count: Int) throws(Errno) {
  precondition(count >= 0 && count <= bytes.count)
  let answer = unsafe bytes.withUnsafeMutableBytes { buffer in
    // SAFETY: the buffer has `count` bytes at least.
    unsafe linux_random(buffer.baseAddress, count)
  }
  _ = try checked(answer)
}
