internal import CLinux

/// Mounts a FUSE file system on `path`; `options` name the /dev/fuse descriptor (fd=N,…), and
/// `source` is the text that /proc/mounts shows for it.
package func mountFuse(from source: String, at path: String, options: String) throws(Errno) {
  // SAFETY: the strings live for the call.
  _ = try checked(unsafe linux_mount_fuse(source, path, options))
}

/// Unmounts; with `detach` a busy mount disappears from the tree at once and ends when unused.
package func unmount(_ path: String, detach: Bool) throws(Errno) {
  // SAFETY: the string lives for the call.
  _ = try checked(unsafe linux_unmount(path, detach ? 1 : 0))
}
