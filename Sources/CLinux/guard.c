#define _GNU_SOURCE
#include "guard.h"

#include <errno.h>
#include <linux/magic.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

// The signal handler reads the table without a lock; those who change it hold `changes`.
// Chunks are never freed, so a handler never meets freed memory.
enum { slots_per_chunk = 1024, chunks_max = 1024 };

struct slot {
  uintptr_t start;  // 0 when free; written last
  size_t length;
  size_t page;
  uint32_t *torn;
};

static struct slot *chunks[chunks_max];
static int chunk_count;
static int *free_slots;
static int free_count;
static pthread_mutex_t changes = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction former;
static int installed;

// Only async-signal-safe calls and atomic loads.
static int mend(uintptr_t address) {
  int count = __atomic_load_n(&chunk_count, __ATOMIC_ACQUIRE);
  for (int chunk = 0; chunk < count; chunk++) {
    for (int i = 0; i < slots_per_chunk; i++) {
      struct slot *slot = &chunks[chunk][i];
      uintptr_t start = __atomic_load_n(&slot->start, __ATOMIC_ACQUIRE);
      if (start == 0 || address < start || address - start >= slot->length) continue;
      uintptr_t from = start + (address - start) / slot->page * slot->page;
      void *pages = mmap(
        (void *)from, start + slot->length - from, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
      if (pages == MAP_FAILED) return 0;
      __atomic_store_n(slot->torn, 1, __ATOMIC_RELEASE);
      return 1;
    }
  }
  return 0;
}

// A fault that is not ours goes where it went before: the access is repeated on return.
static void on_bus_error(int number, siginfo_t *info, void *context) {
  (void)number;
  (void)context;
  int error = errno;
  if (info->si_code <= 0 || !mend((uintptr_t)info->si_addr)) {
    sigaction(SIGBUS, &former, NULL);
    if (info->si_code <= 0) raise(SIGBUS);
  }
  errno = error;
}

static int install(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGBUS, &action, &former) < 0) return -errno;
  installed = 1;
  return 0;
}

static int add_chunk(void) {
  if (chunk_count == chunks_max) return -ENOMEM;
  struct slot *chunk = calloc(slots_per_chunk, sizeof *chunk);
  int *more = realloc(free_slots, (size_t)(chunk_count + 1) * slots_per_chunk * sizeof *more);
  if (more) free_slots = more;
  if (!chunk || !more) {
    free(chunk);
    return -ENOMEM;
  }
  chunks[chunk_count] = chunk;
  for (int i = slots_per_chunk - 1; i >= 0; i--)
    free_slots[free_count++] = chunk_count * slots_per_chunk + i;
  __atomic_store_n(&chunk_count, chunk_count + 1, __ATOMIC_RELEASE);
  return 0;
}

int linux_guard_add(void *start, size_t length, size_t page, uint32_t *torn) {
  pthread_mutex_lock(&changes);
  int number = installed ? 0 : install();
  if (number == 0 && free_count == 0) number = add_chunk();
  if (number == 0) {
    number = free_slots[--free_count];
    struct slot *slot = &chunks[number / slots_per_chunk][number % slots_per_chunk];
    slot->length = length;
    slot->page = page;
    slot->torn = torn;
    __atomic_store_n(&slot->start, (uintptr_t)start, __ATOMIC_RELEASE);
  }
  pthread_mutex_unlock(&changes);
  return number;
}

void linux_guard_remove(int number) {
  pthread_mutex_lock(&changes);
  struct slot *slot = &chunks[number / slots_per_chunk][number % slots_per_chunk];
  __atomic_store_n(&slot->start, 0, __ATOMIC_RELEASE);
  free_slots[free_count++] = number;
  pthread_mutex_unlock(&changes);
}

long linux_file_page_size(int fd) {
  struct statfs facts;
  if (fstatfs(fd, &facts) < 0) return -errno;
  return facts.f_type == HUGETLBFS_MAGIC ? (long)facts.f_bsize : sysconf(_SC_PAGESIZE);
}
