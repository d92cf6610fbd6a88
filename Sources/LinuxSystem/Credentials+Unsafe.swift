internal import CLinux
internal import Glibc

/// Gives this thread the file access rights of another user: file system uid and gid, and groups.
/// Without root it changes nothing, for then the rights are the caller's own already.
package func assumeFileRights(uid: UInt32, gid: UInt32, groups: [UInt32]) throws(Errno) {
  // SAFETY: the array's storage lives for the call.
  let answer = unsafe groups.withUnsafeBufferPointer { buffer in
    unsafe linux_assume_user(uid, gid, buffer.baseAddress, buffer.count)
  }
  _ = try checked(answer)
}

package func effectiveUser() -> UInt32 { geteuid() }
package func effectiveGroup() -> UInt32 { getegid() }
package func processNumber() -> Int32 { getpid() }
