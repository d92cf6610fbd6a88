#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clinux.h"

#if defined(__x86_64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "no system call filter for this processor"
#endif

// What a process needs that has all its descriptors already. Nothing here opens a file by name,
// makes a socket, starts a process, or changes a right.
static const unsigned allowed[] = {
  // memory and the C library's own
  SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_brk, SYS_futex, SYS_getrandom,
  SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_sched_yield,
  SYS_getpid, SYS_gettid, SYS_tgkill, SYS_exit, SYS_exit_group, SYS_clock_gettime,
  SYS_clock_nanosleep, SYS_restart_syscall,
  // descriptors
  SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_close, SYS_fstat, SYS_newfstatat, SYS_fcntl,
  SYS_dup3, SYS_lseek, SYS_eventfd2, SYS_fstatfs,
  // waiting
  SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_ppoll,
#ifdef SYS_epoll_wait
  SYS_epoll_wait, SYS_poll,
#endif
  // messages
  SYS_sendmsg, SYS_recvmsg, SYS_accept4, SYS_shutdown, SYS_setsockopt, SYS_ioctl,
  // disks
  SYS_preadv, SYS_pwritev, SYS_pread64, SYS_pwrite64, SYS_fdatasync, SYS_fsync, SYS_fallocate,
  SYS_sync_file_range, SYS_memfd_create, SYS_ftruncate,
};

// fstat(2) is newfstatat with an empty path in newer C libraries; by a real name it is refused by
// the missing rights of the user that the process has become.

static int filter_system_calls(void) {
  enum { count = sizeof allowed / sizeof *allowed, head = 4 };
  struct sock_filter program[head + count + 2];
  unsigned next = 0;
  program[next++] = (struct sock_filter)BPF_STMT(
      BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
  program[next++] =
      (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCHITECTURE, 1, 0);
  program[next++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
  program[next++] =
      (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (unsigned i = 0; i < count; i++)
    program[next++] = (struct sock_filter)BPF_JUMP(
        BPF_JMP | BPF_JEQ | BPF_K, allowed[i], (unsigned char)(count - i), 0);
  program[next++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
  program[next++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog code = {.len = (unsigned short)next, .filter = program};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &code) < 0 ? -errno : 0;
}

int linux_confine(void) {
  enum { nobody = 65534 };
  if (geteuid() == 0) {
    if (setgroups(0, NULL) < 0 || setresgid(nobody, nobody, nobody) < 0
        || setresuid(nobody, nobody, nobody) < 0)
      return -errno;
  }
  // Whatever keeps the process from noticing the end of its parent, it does not outlive it. Here
  // because another user forgets the wish, and the filter would refuse it.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return -errno;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -errno;
  return filter_system_calls();
}
