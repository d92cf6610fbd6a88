internal import CLinux

/// Who connected a UNIX socket, as the kernel knew it then: the process may be gone since, or have
/// other rights.
package struct SocketPeer: Hashable, Sendable {
  package let pid: Int32
  package let uid: UInt32
  package let gid: UInt32
  /// The supplementary groups; none where the kernel does not tell.
  package let groups: [UInt32]

  /// NGROUPS_MAX of Linux.
  private static let groupsMax = 65536

  /// The peer of a connected socket.
  package init(of socket: Descriptor) throws(Errno) {
    var (pid, uid, gid): (Int32, UInt32, UInt32) = (0, 0, 0)
    // SAFETY: three live locals.
    _ = try checked(unsafe linux_peer(socket.number, &pid, &uid, &gid))
    (self.pid, self.uid, self.gid) = (pid, uid, gid)
    let room = unsafe [UInt32](unsafeUninitializedCapacity: Self.groupsMax) { buffer, count in
      // SAFETY: the buffer has room for so many numbers.
      let answer = unsafe linux_peer_groups(
        socket.number, buffer.baseAddress, Int32(Self.groupsMax))
      count = max(0, Int(answer))
    }
    // Without the room.
    groups = room.map { $0 }
  }
}
