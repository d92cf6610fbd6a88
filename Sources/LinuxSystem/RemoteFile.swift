internal import CLinux

/// Whether a descriptor is of a file system that another process or machine answers for (FUSE,
/// NFS, …): closing it, too, waits for that one. Asking may wait as well.
package func isRemote(_ file: Descriptor) -> Bool { linux_is_remote(file.number) != 0 }
