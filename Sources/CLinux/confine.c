#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
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
  SYS_getpid, SYS_gettid, SYS_exit, SYS_exit_group, SYS_clock_gettime,
  SYS_clock_nanosleep, SYS_restart_syscall,
  // descriptors
  SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_close, SYS_fstat, SYS_newfstatat,
  SYS_dup3, SYS_lseek, SYS_eventfd2, SYS_fstatfs, SYS_statx,
  // waiting
  SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_ppoll,
#ifdef SYS_epoll_wait
  SYS_epoll_wait, SYS_poll,
#endif
  // messages
  SYS_sendmsg, SYS_recvmsg, SYS_accept4, SYS_shutdown, SYS_setsockopt,
  SYS_getsockopt,
  // disks
  SYS_preadv, SYS_pwritev, SYS_pread64, SYS_pwrite64, SYS_fdatasync, SYS_fsync, SYS_fallocate,
  SYS_sync_file_range, SYS_memfd_create, SYS_ftruncate,
};

// fstat(2) is newfstatat with an empty path in newer C libraries; by a real name it and statx are
// refused by the missing rights of the user that the process has become.

#define LOAD(field) (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, field)
#define IF(value, then, otherwise) \
  (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(value), then, otherwise)
#define IF_ANY(bits, then, otherwise) \
  (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (unsigned)(bits), then, otherwise)
#define ANSWER(action) (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action)
// The lower half of an argument, on little-endian machines.
#define ARGUMENT(index) offsetof(struct seccomp_data, args[index])

enum { REFUSE = SECCOMP_RET_ERRNO | EPERM, ALLOW = SECCOMP_RET_ALLOW };

static int filter_system_calls(void) {
  struct sock_filter head[] = {
    LOAD(offsetof(struct seccomp_data, arch)),
    IF(OWN_ARCHITECTURE, 1, 0),
    ANSWER(SECCOMP_RET_KILL_PROCESS),
    LOAD(offsetof(struct seccomp_data, nr)),
    // Signals go to this process alone, for other engines run as the same user.
    IF(SYS_tgkill, 0, 4),
    LOAD(ARGUMENT(0)),
    IF(getpid(), 0, 1),
    ANSWER(ALLOW),
    ANSWER(REFUSE),
    // How many bytes wait, and what a tap may leave to its reader. Others make descriptors wait, or
    // send signals.
    IF(SYS_ioctl, 0, 7),
    LOAD(ARGUMENT(1)),
    IF(SIOCINQ, 3, 0),
    IF(TUNSETOFFLOAD, 0, 3),
    LOAD(ARGUMENT(2)),
    IF_ANY(~(TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN), 1, 0),
    ANSWER(ALLOW),
    ANSWER(REFUSE),
    // No owner for signals, and no flag that makes a descriptor wait which the keeper shares.
    IF(SYS_fcntl, 0, 14),
    LOAD(ARGUMENT(1)),
    IF(F_GETFL, 6, 0),
    IF(F_GETFD, 5, 0),
    IF(F_GET_SEALS, 4, 0),
    IF(F_SETFD, 3, 0),
    IF(F_DUPFD_CLOEXEC, 2, 0),
    IF(F_ADD_SEALS, 1, 0),
    IF(F_SETFL, 1, 4),
    ANSWER(ALLOW),
    LOAD(ARGUMENT(2)),
    IF_ANY(O_ASYNC, 1, 0),
    IF_ANY(O_NONBLOCK, 1, 0),
    ANSWER(REFUSE),
    ANSWER(ALLOW),
  };
  enum { count = sizeof allowed / sizeof *allowed, lead = sizeof head / sizeof *head };
  struct sock_filter program[lead + count + 2];
  memcpy(program, head, sizeof head);
  unsigned next = lead;
  for (unsigned i = 0; i < count; i++)
    program[next++] = IF(allowed[i], (unsigned char)(count - i), 0);
  program[next++] = ANSWER(REFUSE);
  program[next++] = ANSWER(ALLOW);
  struct sock_fprog code = {.len = (unsigned short)next, .filter = program};
  // All threads alike: each has the same rights to the descriptors.
  long answer = syscall(
    SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &code);
  if (answer < 0) return -errno;
  return answer > 0 ? -EAGAIN : 0;
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
