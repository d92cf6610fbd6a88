internal import CLinux
internal import Glibc

/// Gives this thread the rights of another user, to files and to all else that the kernel asks for:
/// effective uid and gid, groups, and of the capabilities none but root's. Until the next call.
/// Where root does not run this it changes nothing, for then the rights are the caller's already.
package func assumeRights(uid: UInt32, gid: UInt32, groups: [UInt32]) throws(Errno) {
  // SAFETY: the array's storage lives for the call.
  let answer = unsafe groups.withUnsafeBufferPointer { buffer in
    unsafe linux_assume_user(uid, gid, buffer.baseAddress, buffer.count)
  }
  _ = try checked(answer)
}

package func effectiveUser() -> UInt32 { geteuid() }
package func effectiveGroup() -> UInt32 { getegid() }
package func processNumber() -> Int32 { getpid() }
