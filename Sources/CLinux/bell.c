#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clinux.h"

// A bell that a stranger has too can be full, and be made one that waits for room at any moment:
// O_NONBLOCK belongs to the open file that both have. So a thread looks after the one that rings, and
// interrupts it. It sleeps while nobody rings.

enum { tick_nanoseconds = 50 * 1000 * 1000 };

static atomic_ullong rings;  // odd while the ringer rings
static atomic_int asleep;
static int waker = -1;
static pthread_t ringer;
static _Thread_local int is_ringer;

static void on_alarm(int number) { (void)number; }

static void *look_after(void *argument) {
  (void)argument;
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  unsigned long long last = 0;
  while (1) {
    unsigned long long now = atomic_load(&rings);
    if (now == last && now % 2 == 1) {
      pthread_kill(ringer, SIGALRM);
    } else if (now == last) {
      uint64_t count;
      atomic_store(&asleep, 1);
      // Who begins to ring from here on sees it.
      if (atomic_load(&rings) == now) (void)!read(waker, &count, sizeof count);
      atomic_store(&asleep, 0);
    }
    last = now;
    nanosleep(&(struct timespec){.tv_nsec = tick_nanoseconds}, NULL);
  }
  return NULL;
}

int linux_look_after_bells(void) {
  // Without SA_RESTART: the call that waits is given up.
  struct sigaction action = {.sa_handler = on_alarm};
  sigset_t alarm;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  if (sigaction(SIGALRM, &action, NULL) < 0) return -errno;
  pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
  waker = eventfd(0, EFD_CLOEXEC);
  if (waker < 0) return -errno;
  ringer = pthread_self();
  pthread_t thread;
  int answer = pthread_create(&thread, NULL, look_after, NULL);
  if (answer != 0) return -answer;
  pthread_detach(thread);
  // What the C library does at a thread's start may be refused to a confined process.
  while (!atomic_load(&asleep)) sched_yield();
  is_ringer = 1;
  return 0;
}

// A bell whose ringing waited is ours alone from here on: it rings nobody, and waits no more.
static void cut(int fd) {
  int own = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (own < 0) return;
  dup3(own, fd, O_CLOEXEC);
  close(own);
}

// Not by write(3), which in a process with threads makes ready to be cancelled each time.
static long add_one(int fd) {
  static const uint64_t one = 1;
  return syscall(SYS_write, fd, &one, sizeof one);
}

void linux_ring(int fd) {
  if (!is_ringer) {
    (void)add_one(fd);
    return;
  }
  atomic_fetch_add(&rings, 1);
  if (atomic_load(&asleep)) {
    atomic_store(&asleep, 0);
    (void)add_one(waker);
  }
  long count = add_one(fd);
  int waited = count < 0 && errno == EINTR;
  atomic_fetch_add_explicit(&rings, 1, memory_order_release);
  if (waited) cut(fd);
}
