#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "BenchTwins.h"

// What one process can at best tell another and hear back, with calls that block and nothing else.

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int kill_and_wait(pid_t child) {
  if (child < 0) return -1;
  kill(child, SIGKILL);
  return waitpid(child, NULL, 0) == child ? 0 : -1;
}

static void tell(int fd) {
  const uint64_t one = 1;
  if (write(fd, &one, sizeof one) != sizeof one) _exit(1);
}

static void hear(int fd) {
  uint64_t count;
  if (read(fd, &count, sizeof count) != sizeof count) _exit(1);
}

// The other process, in a session of its own, as an engine is: the kernel shares out the processor by
// sessions (sched(7)). Where it cannot be had, the count of nanoseconds is 0.
static pid_t other_process(void) {
  const pid_t child = fork();
  if (child == 0) setsid();
  return child;
}

uint64_t pingpong_events(long count) {
  const int there = eventfd(0, EFD_CLOEXEC), back = eventfd(0, EFD_CLOEXEC);
  const pid_t child = other_process();
  if (child == 0)
    for (;;) {
      hear(there);
      tell(back);
    }
  tell(there);
  hear(back);
  const uint64_t start = now();
  for (long i = 0; i < count; i++) {
    tell(there);
    hear(back);
  }
  const uint64_t end = now();
  const int status = kill_and_wait(child);
  close(there);
  close(back);
  return status < 0 ? 0 : end - start;
}

uint64_t pingpong_packets(long count, unsigned request, unsigned reply) {
  int ends[2];
  char bytes[256] = {0};
  if (request > sizeof bytes || reply > sizeof bytes) return 0;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return 0;
  const pid_t child = other_process();
  if (child == 0)
    for (;;) {
      if (recv(ends[1], bytes, sizeof bytes, 0) != (ssize_t)request) _exit(1);
      if (send(ends[1], bytes, reply, 0) != (ssize_t)reply) _exit(1);
    }
  uint64_t start = 0;
  for (long i = -1; i < count; i++) {
    if (i == 0) start = now();
    if (send(ends[0], bytes, request, 0) != (ssize_t)request) break;
    if (recv(ends[0], bytes, sizeof bytes, 0) != (ssize_t)reply) break;
  }
  const uint64_t end = now();
  const int status = kill_and_wait(child);
  close(ends[0]);
  close(ends[1]);
  return status < 0 ? 0 : end - start;
}
