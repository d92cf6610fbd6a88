#define _GNU_SOURCE
#include <errno.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "clinux.h"

ssize_t linux_write_parts(int fd, const struct iovec *parts, int count) {
  ssize_t answer;
  do answer = writev(fd, parts, count);
  while (answer < 0 && errno == EINTR);
  return answer < 0 ? -errno : answer;
}

ssize_t linux_read_bytes(int fd, void *bytes, size_t count) {
  ssize_t answer;
  do answer = read(fd, bytes, count);
  while (answer < 0 && errno == EINTR);
  return answer < 0 ? -errno : answer;
}

ssize_t linux_peek_bytes(int socket, void *bytes, size_t count) {
  struct iovec part = {.iov_base = bytes, .iov_len = count};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  ssize_t answer;
  do answer = recvmsg(socket, &message, MSG_PEEK | MSG_DONTWAIT);
  while (answer < 0 && errno == EINTR);
  return answer < 0 ? -errno : answer;
}

int linux_set_tap_offloads(int tap, unsigned offloads) {
  return ioctl(tap, TUNSETOFFLOAD, (unsigned long)offloads) < 0 ? -errno : 0;
}
