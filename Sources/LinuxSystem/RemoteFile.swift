internal import CLinux

/// Whether a descriptor is of a file system that another process or machine answers for (FUSE,
/// NFS, …): closing it, too, waits for that one. So is what may stand for such a file, as an epoll
/// set does. Asking may wait as well: in a process with a quarantine for a moment, and then the answer
/// is yes.
package func isRemote(_ file: Descriptor) -> Bool {
  linux_may_be_remote(file.number) != 0
    && Quarantine.isRemote(file.number) ?? (linux_is_remote(file.number) != 0)
}

/// Whether a descriptor is an eventfd, and nothing that could wait for a file system; from here on
/// it does not wait. Asking never does.
package func isEvent(_ file: Descriptor) -> Bool { linux_is_event(file.number) != 0 }

/// Whether a descriptor is a file in memory (memfd, tmpfs, hugetlbfs). Asking never waits.
package func isMemoryFile(_ file: Descriptor) -> Bool { linux_is_memory(file.number) != 0 }

func isSocket(_ number: Int32) -> Bool { linux_is_socket(number) != 0 }

/// Whether closing a descriptor may wait for another process or machine. Asking never waits.
func closingMayWait(_ number: Int32) -> Bool { linux_closing_may_wait(number) != 0 }
