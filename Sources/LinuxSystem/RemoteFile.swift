internal import CLinux

/// Whether a descriptor is of a file system that another process or machine answers for (FUSE,
/// NFS, …): closing it, too, waits for that one. Asking may wait as well.
package func isRemote(_ file: Descriptor) -> Bool { linux_is_remote(file.number) != 0 }

/// Whether a descriptor is an eventfd or its like: nothing of a file system that could wait.
package func isEvent(_ file: Descriptor) -> Bool { linux_is_event(file.number) != 0 }

/// Whether a descriptor is a file in memory (memfd, tmpfs, hugetlbfs).
package func isMemoryFile(_ file: Descriptor) -> Bool { linux_is_memory(file.number) != 0 }
