internal import CLinux
internal import Glibc

/// Makes an anonymous memory file of `byteCount` zero bytes that can never shrink, nor grow unless
/// it may.
package func makeMemoryFile(
  _ name: String, byteCount: Int, mayGrow: Bool = false
) throws(Errno) -> Descriptor {
  // SAFETY: the string lives for the call.
  let file = Descriptor(owning: try checked(unsafe linux_memfd_create(name, 1)))
  try resize(file, to: UInt64(byteCount))
  _ = try checked(linux_memfd_seal_size(file.number, mayGrow ? 1 : 0))
  return file
}
