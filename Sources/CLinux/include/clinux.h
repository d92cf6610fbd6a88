// What Swift cannot import from the C library or the kernel: variadic calls, CMSG macros,
// atomics on untyped shared memory, and the few calls that glibc's module map leaves out.
// Feature macros stay in the .c files: defined here they break the import of <sys/select.h>.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

// Every function answers a value >= 0, or a negated errno.

// -- descriptors and files
int linux_memfd_create(const char *name, int sealable);
int linux_memfd_seal_size(int fd, int may_grow);
int linux_eventfd(void);
// Adds one to an eventfd, or writes eight bytes to a pipe.
void linux_ring(int fd);
// From here on this thread, and no other, waits for at most a tenth of a second in linux_ring: a bell
// that lets it wait is cut off. Once, before the process is confined.
int linux_look_after_bells(void);
int linux_open(const char *path, int flags, unsigned mode);
int linux_set_nonblocking(int fd, int on);
int linux_fallocate(int fd, int mode, uint64_t offset, uint64_t length);
int linux_block_device_size(int fd, uint64_t *bytes);
int linux_unread_bytes(int fd);
// read(2), write(2) and writev(2) that no thread can be cancelled in: of a process with several
// threads the C library otherwise asks before and after each.
ssize_t linux_read(int fd, void *bytes, size_t capacity);
ssize_t linux_write(int fd, const void *bytes, size_t count);
ssize_t linux_write_vector(int fd, const struct iovec *parts, int count);

ssize_t linux_read_link(const char *path, void *bytes, size_t capacity);
const char *linux_error_name(int number);
const char *linux_error_sentence(int number);

// -- epoll, signals, time
int linux_epoll_create(void);
int linux_epoll_add(int epoll, int fd, uint32_t events, uint64_t token);
int linux_epoll_modify(int epoll, int fd, uint32_t events, uint64_t token);
int linux_epoll_remove(int epoll, int fd);
struct linux_ready {
  uint64_t token;
  uint32_t events;
  uint32_t reserved;
};
int linux_epoll_wait(int epoll, struct linux_ready *ready, int capacity, int timeout_milliseconds);
int linux_signal_descriptor(const int *signals, int count);
int linux_read_signal(int fd);
uint64_t linux_monotonic_nanoseconds(void);
uint64_t linux_realtime_nanoseconds(void);

// -- UNIX sockets
int linux_socket_pair(int fds[2]);
// `type` is that of socket(2); SOCK_NONBLOCK beside it makes connecting fail with EAGAIN where it
// would wait.
int linux_listen(
  const char *path, int type, int backlog, unsigned mode, uint32_t uid, uint32_t gid);
int linux_connect(const char *path, int type);
// Who connected, as the kernel knew it then. The second answers how many groups there are.
int linux_peer(int socket, int32_t *pid, uint32_t *uid, uint32_t *gid);
int linux_peer_groups(int socket, uint32_t *groups, int capacity);
int linux_accept(int listener);
// How long receiving waits where the socket itself may wait; then EAGAIN.
int linux_set_receive_timeout(int socket, uint32_t milliseconds);
void linux_shutdown(int socket);
ssize_t linux_send(
  int socket, const void *bytes, size_t count, const int *fds, int fd_count, int flags);
ssize_t linux_receive(
  int socket, void *bytes, size_t capacity, int *fds, int fd_capacity, int *fd_count, int flags);
// As many descriptors as one message brings at most (SCM_MAX_FD).
#define LINUX_DESCRIPTORS_MAX 253
// Blocks all signals for the calling thread.
void linux_block_signals(void);
// Whether descriptors come with the byte or the message that waits next.
int linux_brings_descriptors(int socket);

// -- TCP: a listener on 127.0.0.1 alone, its port, and a connection to a numeric address
int linux_tcp_listen(uint16_t port);
int linux_tcp_port(int fd);
int linux_tcp_connect(const char *host, uint16_t port);
int linux_tcp_hurry(int fd);  // sends what is written at once

// -- processes
struct linux_child {
  const char *path;
  char *const *arguments;
  char *const *environment;
  const int *descriptors;  // become 3, 4, 5, … in the child; at most 16
  int descriptor_count;
  int new_session;
};
int linux_spawn(const struct linux_child *child);
int linux_reap(int pid, int *status);
int linux_kill(int pid, int signal);
int linux_end_with_parent(int signal);
int linux_raise_descriptor_limit(void);
char **linux_environment(void);

// -- the rights of another user, for this thread, until those of yet another are assumed
int linux_assume_user(uint32_t uid, uint32_t gid, const uint32_t *groups, size_t count);

// Gives up, for good, every right but to use the descriptors at hand: the user, the capabilities,
// and all system calls that a data path does not need. All threads do.
int linux_confine(void);

// -- mounts
// `options` name the descriptor.
int linux_mount_fuse(const char *source, const char *path, const char *options);
int linux_unmount(const char *path, int detach);

// -- atomic words of shared memory; the caller has checked range and alignment
static inline uint16_t linux_load16_relaxed(const void *word) {
  return __atomic_load_n((const uint16_t *)word, __ATOMIC_RELAXED);
}
static inline uint16_t linux_load16_acquire(const void *word) {
  return __atomic_load_n((const uint16_t *)word, __ATOMIC_ACQUIRE);
}
static inline void linux_store16_relaxed(void *word, uint16_t value) {
  __atomic_store_n((uint16_t *)word, value, __ATOMIC_RELAXED);
}
static inline void linux_store16_release(void *word, uint16_t value) {
  __atomic_store_n((uint16_t *)word, value, __ATOMIC_RELEASE);
}
static inline uint32_t linux_load32_relaxed(const void *word) {
  return __atomic_load_n((const uint32_t *)word, __ATOMIC_RELAXED);
}
static inline uint32_t linux_load32_acquire(const void *word) {
  return __atomic_load_n((const uint32_t *)word, __ATOMIC_ACQUIRE);
}
static inline void linux_store32_relaxed(void *word, uint32_t value) {
  __atomic_store_n((uint32_t *)word, value, __ATOMIC_RELAXED);
}
static inline void linux_store32_release(void *word, uint32_t value) {
  __atomic_store_n((uint32_t *)word, value, __ATOMIC_RELEASE);
}
static inline uint64_t linux_load64_relaxed(const void *word) {
  return __atomic_load_n((const uint64_t *)word, __ATOMIC_RELAXED);
}
static inline uint64_t linux_load64_acquire(const void *word) {
  return __atomic_load_n((const uint64_t *)word, __ATOMIC_ACQUIRE);
}
static inline void linux_store64_relaxed(void *word, uint64_t value) {
  __atomic_store_n((uint64_t *)word, value, __ATOMIC_RELAXED);
}
static inline void linux_store64_release(void *word, uint64_t value) {
  __atomic_store_n((uint64_t *)word, value, __ATOMIC_RELEASE);
}
static inline void linux_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

// -- looking into a stream socket
int linux_set_peek_offset(int socket, int offset);
int linux_has_ended(int socket);
int linux_stream_pair(int fds[2]);

// -- files at a position
ssize_t linux_read_at(int fd, const struct iovec *parts, int count, uint64_t offset);
ssize_t linux_write_at(int fd, const struct iovec *parts, int count, uint64_t offset);
int linux_synchronize_data(int fd);

// -- frames: one call moves one, and never waits on a descriptor that does not
ssize_t linux_write_parts(int fd, const struct iovec *parts, int count);
ssize_t linux_read_bytes(int fd, void *bytes, size_t count);
ssize_t linux_peek_bytes(int socket, void *bytes, size_t count);
int linux_set_tap_offloads(int tap, unsigned offloads);  // TUN_F_*

// -- copies from bytes that another process may be changing: read once, never again
static inline void linux_copy_shared(void *to, const void *from, size_t count) {
  __builtin_memcpy(to, from, count);
  __asm__ volatile("" ::: "memory");
}
static inline uint8_t linux_load8_relaxed(const void *byte) {
  return __atomic_load_n((const uint8_t *)byte, __ATOMIC_RELAXED);
}
static inline uint8_t linux_load8_acquire(const void *byte) {
  return __atomic_load_n((const uint8_t *)byte, __ATOMIC_ACQUIRE);
}
static inline void linux_store8_relaxed(void *byte, uint8_t value) {
  __atomic_store_n((uint8_t *)byte, value, __ATOMIC_RELAXED);
}
static inline void linux_store8_release(void *byte, uint8_t value) {
  __atomic_store_n((uint8_t *)byte, value, __ATOMIC_RELEASE);
}

// -- parts of files
int linux_punch_hole(int fd, uint64_t offset, uint64_t count);  // reads zeros, gives blocks back
int linux_zero_range(int fd, uint64_t offset, uint64_t count);  // reads zeros, keeps blocks
int linux_write_zeros(int fd, uint64_t offset, uint64_t count);

// 1 when a file's file system is answered for by another process or machine, or cannot tell; and for
// what may stand for such a file, as an epoll set does. May wait for that one.
int linux_is_remote(int fd);
// 1 where asking a descriptor's file system may wait for another process or machine; 1 where closing
// the descriptor may: also a socket, for what is in it that nobody has received. Neither waits.
int linux_may_be_remote(int fd);
int linux_closing_may_wait(int fd);
int linux_is_socket(int fd);
// 1 for an eventfd, which does not wait from here on; 1 for a file in memory, with pages of any size.
// Neither waits.
int linux_is_event(int fd);
int linux_is_memory(int fd);

// -- network interfaces; names have room for IFNAMSIZ bytes, the final NUL included
int linux_tap_attach(int tun, char name[16]);  // a pattern's name is replaced by the real one
int linux_tap_name(int tun, char name[16]);
struct linux_interface {
  uint32_t index;
  uint32_t master;  // the bridge's index, or 0
  uint32_t mtu;
  uint32_t is_up;
  uint8_t address[6];
};
int linux_interface_facts(const char *name, struct linux_interface *facts);
int linux_interface_set_mtu(const char *name, uint32_t mtu);
int linux_interface_set_address(const char *name, const uint8_t address[6]);
int linux_interface_bring_up(const char *name);
int linux_bridge_add(const char *bridge, uint32_t index);

// -- pseudo terminals: the master's side, and the side that people open
int linux_open_terminal(int fds[2]);
int linux_terminal_name(int master, char *name, size_t capacity);
int linux_make_raw(int terminal);  // passes every byte as it is

// Whether the effective user may write to the file.
int linux_may_write(const char *path);

// Fills all of it, or fails.
int linux_random(void *bytes, size_t count);
