#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ANSWER(call)                   \
  ({                                   \
    __typeof__(call) answer_ = (call); \
    answer_ < 0 ? -errno : answer_;    \
  })

int linux_memfd_create(const char *name, int sealable) {
  return ANSWER(memfd_create(name, MFD_CLOEXEC | (sealable ? MFD_ALLOW_SEALING : 0)));
}

int linux_memfd_seal_size(int fd, int may_grow) {
  return ANSWER(fcntl(fd, F_ADD_SEALS, may_grow ? F_SEAL_SHRINK : F_SEAL_SHRINK | F_SEAL_GROW));
}

int linux_eventfd(void) { return ANSWER(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

int linux_open(const char *path, int flags, unsigned mode) {
  return ANSWER(open(path, flags | O_CLOEXEC, mode));
}

int linux_set_nonblocking(int fd, int on) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -errno;
  return ANSWER(fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

int linux_set_receive_timeout(int socket, uint32_t milliseconds) {
  struct timeval limit = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
  return ANSWER(setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
}

int linux_fallocate(int fd, int mode, uint64_t offset, uint64_t length) {
  return ANSWER(fallocate(fd, mode, (off_t)offset, (off_t)length));
}

int linux_block_device_size(int fd, uint64_t *bytes) {
  return ANSWER(ioctl(fd, BLKGETSIZE64, bytes));
}

ssize_t linux_read(int fd, void *bytes, size_t capacity) {
  return ANSWER(syscall(SYS_read, fd, bytes, capacity));
}

ssize_t linux_write(int fd, const void *bytes, size_t count) {
  return ANSWER(syscall(SYS_write, fd, bytes, count));
}

ssize_t linux_write_vector(int fd, const struct iovec *parts, int count) {
  return ANSWER(syscall(SYS_writev, fd, parts, count));
}

int linux_unread_bytes(int fd) {
  int count = 0;
  return ioctl(fd, SIOCINQ, &count) < 0 ? -errno : count;
}

ssize_t linux_read_link(const char *path, void *bytes, size_t capacity) {
  return ANSWER(readlink(path, bytes, capacity));
}

const char *linux_error_name(int number) { return strerrorname_np(number); }
const char *linux_error_sentence(int number) { return strerrordesc_np(number); }

int linux_epoll_create(void) { return ANSWER(epoll_create1(EPOLL_CLOEXEC)); }

int linux_epoll_add(int epoll, int fd, uint32_t events, uint64_t token) {
  struct epoll_event event = {.events = events, .data.u64 = token};
  return ANSWER(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

int linux_epoll_modify(int epoll, int fd, uint32_t events, uint64_t token) {
  struct epoll_event event = {.events = events, .data.u64 = token};
  return ANSWER(epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event));
}

int linux_epoll_remove(int epoll, int fd) {
  return ANSWER(epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL));
}

int linux_epoll_wait(int epoll, struct linux_ready *ready, int capacity, int milliseconds) {
  struct epoll_event events[64];
  // Not by epoll_wait(3), which in a process with threads makes ready to be cancelled each time.
  int count = (int)syscall(
    SYS_epoll_pwait, epoll, events, capacity < 64 ? capacity : 64, milliseconds, NULL, 8);
  if (count < 0) return errno == EINTR ? 0 : -errno;
  for (int i = 0; i < count; i++) {
    ready[i].token = events[i].data.u64;
    ready[i].events = events[i].events;
  }
  return count;
}

int linux_signal_descriptor(const int *signals, int count) {
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
  if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) return -errno;
  return ANSWER(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

int linux_read_signal(int fd) {
  struct signalfd_siginfo info;
  ssize_t count = read(fd, &info, sizeof info);
  return count < 0 ? -errno : (int)info.ssi_signo;
}

static uint64_t nanoseconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
uint64_t linux_monotonic_nanoseconds(void) { return nanoseconds(CLOCK_MONOTONIC); }
uint64_t linux_realtime_nanoseconds(void) { return nanoseconds(CLOCK_REALTIME); }

int linux_socket_pair(int fds[2]) {
  return ANSWER(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
}

static int unix_address(const char *path, struct sockaddr_un *address) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  if (strlen(path) >= sizeof address->sun_path) return -ENAMETOOLONG;
  strcpy(address->sun_path, path);
  return 0;
}

// A socket file gets its owner and mode, where it was not made with them.
static int give_socket(const char *path, unsigned mode, uint32_t uid, uint32_t gid) {
  struct stat found;
  if (lstat(path, &found) < 0) return -1;
  int is_owned = geteuid() != 0 || (found.st_uid == uid && found.st_gid == gid);
  if (!is_owned && chown(path, uid, gid) < 0) return -1;
  return (found.st_mode & 07777) == mode ? 0 : chmod(path, mode);
}

// Bound under a temporary name, which nobody else may write to, given its owner and mode, then
// renamed: nobody can connect before the mode is right, and a path that exists can be connected to.
int linux_listen(
    const char *path, int type, int backlog, unsigned mode, uint32_t uid, uint32_t gid) {
  struct sockaddr_un address;
  char temporary[sizeof address.sun_path + 2];
  if (strlen(path) + 1 >= sizeof address.sun_path) return -ENAMETOOLONG;
  // Device names never begin with a dot, so no other device's socket has this name.
  const char *slash = strrchr(path, '/');
  size_t folder = slash ? (size_t)(slash + 1 - path) : 0;
  memcpy(temporary, path, folder);
  temporary[folder] = '.';
  strcpy(temporary + folder + 1, path + folder);
  int failed = unix_address(temporary, &address);
  if (failed < 0) return failed;
  int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  // The file gets these bits of the socket's, less the mask. The mask itself stays as it is: it is
  // the whole process's, and what another thread makes meanwhile would get it too.
  int bound = fchmod(fd, mode & 0644);
  if (bound == 0) bound = bind(fd, (struct sockaddr *)&address, sizeof address);
  // Left by a process that died between this and the renaming.
  if (bound < 0 && errno == EADDRINUSE && unlink(temporary) == 0)
    bound = bind(fd, (struct sockaddr *)&address, sizeof address);
  int error = errno;
  if (bound < 0) {
    close(fd);
    return -error;
  }
  if (listen(fd, backlog) < 0 || give_socket(temporary, mode, uid, gid) < 0
      || rename(temporary, path) < 0) {
    error = errno;
    close(fd);
    unlink(temporary);
    return -error;
  }
  return fd;
}

int linux_connect(const char *path, int type) {
  struct sockaddr_un address;
  int failed = unix_address(path, &address);
  if (failed < 0) return failed;
  int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

int linux_accept(int listener) {
  return ANSWER(accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

int linux_peer(int socket, int32_t *pid, uint32_t *uid, uint32_t *gid) {
  struct ucred peer;
  socklen_t length = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) return -errno;
  *pid = peer.pid;
  *uid = peer.uid;
  *gid = peer.gid;
  return 0;
}

int linux_peer_groups(int socket, uint32_t *groups, int capacity) {
  socklen_t length = (socklen_t)capacity * sizeof *groups;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &length) < 0) return -errno;
  return (int)(length / sizeof *groups);
}

enum { descriptors_max = LINUX_DESCRIPTORS_MAX };

ssize_t linux_send(
    int socket, const void *bytes, size_t count, const int *fds, int fd_count, int flags) {
  char control[CMSG_SPACE(descriptors_max * sizeof(int))];
  struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (fd_count > descriptors_max) return -EINVAL;
  if (fd_count > 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE((size_t)fd_count * sizeof(int));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN((size_t)fd_count * sizeof(int));
    memcpy(CMSG_DATA(header), fds, (size_t)fd_count * sizeof(int));
  }
  ssize_t sent;
  do sent = sendmsg(socket, &message, flags | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : sent;
}

// Descriptors over fd_capacity do not come into the process: the kernel lets go of them, in the
// calling thread, which may have to wait for the file system of one. Those of a message that was
// cut (-EMSGSIZE) are handed out too.
ssize_t linux_receive(
    int socket, void *bytes, size_t capacity, int *fds, int fd_capacity, int *fd_count,
    int flags) {
  char control[CMSG_SPACE(descriptors_max * sizeof(int))];
  struct iovec part = {.iov_base = bytes, .iov_len = capacity};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (fd_capacity > descriptors_max) fd_capacity = descriptors_max;
  if (fd_capacity > 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_LEN((size_t)fd_capacity * sizeof(int));
  }
  ssize_t received;
  do received = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
  while (received < 0 && errno == EINTR);
  *fd_count = 0;
  if (received < 0) return -errno;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    const unsigned char *data = CMSG_DATA(header);
    memcpy(fds + *fd_count, data, count * sizeof(int));
    *fd_count += (int)count;
  }
  if (message.msg_flags & MSG_TRUNC) return -EMSGSIZE;
  return received;
}

void linux_block_signals(void) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
}

// The kernel says so where there is no room for them. They stay in the socket.
int linux_brings_descriptors(int socket) {
  char byte;
  struct iovec part = {.iov_base = &byte, .iov_len = 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  ssize_t received = recvmsg(socket, &message, MSG_PEEK | MSG_DONTWAIT);
  return received >= 0 && (message.msg_flags & MSG_CTRUNC) != 0;
}

// The child's half of linux_spawn, after fork: only async-signal-safe calls.
static void become(const struct linux_child *child) {
  enum { first = 3, most = 16 };
  int aside[most];
  if (child->descriptor_count > most) _exit(126);
  if (child->new_session) setsid();
  for (int i = 0; i < child->descriptor_count; i++) {
    aside[i] = fcntl(child->descriptors[i], F_DUPFD, first + child->descriptor_count);
    if (aside[i] < 0) _exit(126);
  }
  for (int i = 0; i < child->descriptor_count; i++)
    if (dup2(aside[i], first + i) < 0) _exit(126);
  syscall(SYS_close_range, first + child->descriptor_count, ~0u, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGPIPE, SIG_DFL);
  signal(SIGXFSZ, SIG_DFL);
  execve(child->path, child->arguments, child->environment);
  _exit(127);
}

int linux_spawn(const struct linux_child *child) {
  pid_t pid = fork();
  if (pid < 0) return -errno;
  if (pid == 0) become(child);
  return pid;
}

int linux_reap(int pid, int *status) { return ANSWER(waitpid(pid, status, WNOHANG)); }

int linux_kill(int pid, int signal) { return ANSWER(kill(pid, signal)); }

int linux_end_with_parent(int signal) { return ANSWER(prctl(PR_SET_PDEATHSIG, signal)); }

int linux_raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
  limit.rlim_cur = limit.rlim_max;
  return ANSWER(setrlimit(RLIMIT_NOFILE, &limit));
}

// The effective ids and groups of this thread alone, by the raw calls: glibc's wrappers change
// every thread. The capabilities go with the effective user 0 and come back with it; the real user
// stays, so that whose rights these are can neither stop nor trace the process.
int linux_assume_user(uint32_t uid, uint32_t gid, const uint32_t *groups, size_t count) {
  uid_t real, effective, saved;
  if (getresuid(&real, &effective, &saved) < 0) return -errno;
  if (real != 0 || saved != 0) return 0;
  if (syscall(SYS_setresuid, -1, 0, -1) < 0 || syscall(SYS_setgroups, count, groups) < 0
      || syscall(SYS_setresgid, -1, gid, -1) < 0 || syscall(SYS_setresuid, -1, uid, -1) < 0)
    return -errno;
  return geteuid() == uid && getegid() == gid ? 0 : -EPERM;
}

int linux_may_write(const char *path) {
  return ANSWER(faccessat(AT_FDCWD, path, W_OK, AT_EACCESS));
}

char **linux_environment(void) { return environ; }

int linux_mount_fuse(const char *source, const char *path, const char *options) {
  return ANSWER(mount(source, path, "fuse.vbusfs", MS_NOSUID | MS_NODEV | MS_NOATIME, options));
}

int linux_unmount(const char *path, int detach) {
  return ANSWER(umount2(path, UMOUNT_NOFOLLOW | (detach ? MNT_DETACH : 0)));
}

void linux_shutdown(int socket) { shutdown(socket, SHUT_RDWR); }

int linux_set_peek_offset(int socket, int offset) {
  return ANSWER(setsockopt(socket, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof offset));
}

int linux_has_ended(int socket) {
  struct pollfd entry = {.fd = socket, .events = POLLRDHUP};
  int ready;
  do ready = poll(&entry, 1, 0);
  while (ready < 0 && errno == EINTR);
  return ready > 0 && (entry.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

ssize_t linux_read_at(int fd, const struct iovec *parts, int count, uint64_t offset) {
  ssize_t moved;
  do moved = preadv(fd, parts, count, (off_t)offset);
  while (moved < 0 && errno == EINTR);
  return moved < 0 ? -errno : moved;
}

ssize_t linux_write_at(int fd, const struct iovec *parts, int count, uint64_t offset) {
  ssize_t moved;
  do moved = pwritev(fd, parts, count, (off_t)offset);
  while (moved < 0 && errno == EINTR);
  return moved < 0 ? -errno : moved;
}

int linux_synchronize_data(int fd) { return ANSWER(fdatasync(fd)); }

int linux_stream_pair(int fds[2]) {
  return ANSWER(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
}

int linux_punch_hole(int fd, uint64_t offset, uint64_t count) {
  return linux_fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, count);
}

int linux_zero_range(int fd, uint64_t offset, uint64_t count) {
  return linux_fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset, count);
}

int linux_write_zeros(int fd, uint64_t offset, uint64_t count) {
  static const char zeros[65536];
  while (count > 0) {
    size_t step = count < sizeof zeros ? (size_t)count : sizeof zeros;
    ssize_t moved = pwrite(fd, zeros, step, (off_t)offset);
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0) return -errno;
    if (moved == 0) return -ENOSPC;
    offset += (uint64_t)moved;
    count -= (uint64_t)moved;
  }
  return 0;
}

// What the kernel knows of a file by itself: fstat(2) and fstatfs(2) may ask, and wait for, the
// process that answers for its file system.
static int known_facts(int fd, struct statx *facts) {
  return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, facts);
}

// What cannot tell its kind counts as remote: a FUSE daemon may be dead.
int linux_is_remote(int fd) {
  static const unsigned kinds[] = {
    0x65735546 /* FUSE */, NFS_SUPER_MAGIC, CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC, SMB_SUPER_MAGIC,
    V9FS_MAGIC, CEPH_SUPER_MAGIC, AFS_SUPER_MAGIC, AFS_FS_MAGIC, CODA_SUPER_MAGIC,
  };
  struct statfs facts;
  if (fstatfs(fd, &facts) < 0) return 1;
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if ((unsigned)facts.f_type == kinds[i]) return 1;
  return (unsigned)facts.f_type == ANON_INODE_FS_MAGIC && !linux_is_event(fd);
}

// Whatever has no name is on one file system of the kernel's own.
static int is_nameless(int fd) {
  struct statx facts, own;
  if (known_facts(fd, &facts) < 0) return 0;
  int event = eventfd(0, EFD_CLOEXEC);
  if (event < 0) return 0;
  int answer = known_facts(event, &own) == 0 && facts.stx_dev_major == own.stx_dev_major
    && facts.stx_dev_minor == own.stx_dev_minor;
  close(event);
  return answer;
}

// Of what has no name only an eventfd takes eight bytes of zeroes, which add nothing to it. One that
// waits for room is made not to.
int linux_is_event(int fd) {
  static const uint64_t nothing = 0;
  if (!is_nameless(fd)) return 0;
  int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0
    && write(fd, &nothing, sizeof nothing) == sizeof nothing;
}

// No other files have seals.
int linux_is_memory(int fd) { return fcntl(fd, F_GET_SEALS) >= 0; }

int linux_is_socket(int fd) {
  struct statx facts;
  return known_facts(fd, &facts) == 0 && S_ISSOCK(facts.stx_mode);
}

// Pipes and sockets are the kernel's own even where their names are on somebody else's.
int linux_may_be_remote(int fd) {
  struct statx facts;
  if (linux_is_memory(fd)) return 0;
  if (known_facts(fd, &facts) < 0) return 1;
  if (S_ISFIFO(facts.stx_mode) || S_ISSOCK(facts.stx_mode)) return 0;
  return !linux_is_event(fd);
}

int linux_closing_may_wait(int fd) { return linux_is_socket(fd) || linux_may_be_remote(fd); }

int linux_random(void *bytes, size_t count) {
  for (size_t done = 0; done < count;) {
    ssize_t moved = getrandom((char *)bytes + done, count - done, 0);
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0) return -errno;
    done += (size_t)moved;
  }
  return 0;
}
