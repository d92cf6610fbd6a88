// Loaded into vbusfs-engine by tests (LD_PRELOAD): counts what it does in a file that the test has
// mapped, and kills it before or after a chosen system call.
//
// Words of the file that VBUSFS_METER names: allocations, reference counts taken, reference counts
// given up, locks, calls, the call at which to die (0: never), and whether reference counts are
// counted (from the next wake-up on).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { allocations, retains, releases, locks, calls, last_call, counts_references, word_count };

static uint64_t idle[word_count];
static uint64_t *words = idle;

static void count(int word) { __atomic_fetch_add(&words[word], 1, __ATOMIC_RELAXED); }

// -- memory and locks: glibc's own functions under their other names

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern int __pthread_mutex_lock(pthread_mutex_t *);

void *malloc(size_t size) {
  count(allocations);
  return __libc_malloc(size);
}
void *calloc(size_t number, size_t size) {
  count(allocations);
  return __libc_calloc(number, size);
}
void *realloc(void *old, size_t size) {
  count(allocations);
  return __libc_realloc(old, size);
}
int posix_memalign(void **place, size_t alignment, size_t size) {
  count(allocations);
  *place = __libc_memalign(alignment, size);
  return *place ? 0 : ENOMEM;
}

static int (*next_lock)(pthread_mutex_t *);
int pthread_mutex_lock(pthread_mutex_t *mutex) {
  count(locks);
  if (!next_lock) next_lock = (int (*)(pthread_mutex_t *))dlsym(RTLD_NEXT, "pthread_mutex_lock");
  return next_lock(mutex);
}

// -- reference counts, through the hooks that the Swift runtime has for instruments

static void *(*former_retain)(void *);
static void (*former_release)(void *);
static void *(*former_retain_n)(void *, uint32_t);
static void (*former_release_n)(void *, uint32_t);

static void *counted_retain(void *object) {
  count(retains);
  return former_retain(object);
}
static void counted_release(void *object) {
  count(releases);
  former_release(object);
}
static void *counted_retain_n(void *object, uint32_t number) {
  count(retains);
  return former_retain_n(object, number);
}
static void counted_release_n(void *object, uint32_t number) {
  count(releases);
  former_release_n(object, number);
}

static int note_base(struct dl_phdr_info *info, size_t size, void *base) {
  (void)size;
  *(uintptr_t *)base = info->dlpi_addr;
  return 1;  // the first is the program
}

// The address of a symbol of the program, which need not be exported.
static void *find(const char *name) {
  void *exported = dlsym(RTLD_DEFAULT, name);
  if (exported) return exported;
  uintptr_t base = 0;
  dl_iterate_phdr(note_base, &base);
  int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  struct stat facts;
  if (fd < 0 || fstat(fd, &facts) < 0) return NULL;
  const char *file = mmap(NULL, (size_t)facts.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (file == MAP_FAILED) return NULL;
  const Elf64_Ehdr *header = (const Elf64_Ehdr *)file;
  const Elf64_Shdr *sections = (const Elf64_Shdr *)(file + header->e_shoff);
  void *found = NULL;
  for (int i = 0; i < header->e_shnum && !found; i++) {
    if (sections[i].sh_type != SHT_SYMTAB) continue;
    const Elf64_Sym *symbols = (const Elf64_Sym *)(file + sections[i].sh_offset);
    const char *names = file + sections[sections[i].sh_link].sh_offset;
    size_t symbol_count = sections[i].sh_size / sizeof *symbols;
    for (size_t j = 0; j < symbol_count && !found; j++)
      if (symbols[j].st_value != 0 && strcmp(names + symbols[j].st_name, name) == 0)
        found = (void *)(base + symbols[j].st_value);
  }
  munmap((void *)file, (size_t)facts.st_size);
  return found;
}

#define HOOK(name)                                              \
  do {                                                          \
    void **place = find("_swift_" #name);                       \
    if (place) {                                                \
      *(void **)&former_##name = *place;                        \
      *place = (void *)counted_##name;                          \
    }                                                           \
  } while (0)

// The switch of those hooks. Only on while the engine serves rings: the runtime lets them see
// small strings too, which are no objects.
static char *hooks_on;

static void hook(void) {
  hooks_on = find("_swift_enableSwizzlingOfAllocationAndRefCountingFunctions_forInstrumentsOnly");
  HOOK(retain);
  HOOK(release);
  HOOK(retain_n);
  HOOK(release_n);
}

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("VBUSFS_METER");
  if (!path || strcmp(program_invocation_short_name, "vbusfs-engine") != 0) return;
  int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (page == MAP_FAILED) return;
  hook();
  words = page;
}

// -- death: each call is two moments, before and after it

static void moment(void) {
  uint64_t number = __atomic_add_fetch(&words[calls], 1, __ATOMIC_RELAXED);
  if (number != __atomic_load_n(&words[last_call], __ATOMIC_RELAXED)) return;
  // As sudden as SIGKILL, which a confined engine may not send: nothing of the process runs on.
  syscall(SYS_exit_group, 137);
}

#define AROUND(type, name, parameters, arguments)                      \
  type name parameters {                                               \
    static type(*next) parameters;                                     \
    if (!next) next = (type(*) parameters)dlsym(RTLD_NEXT, #name);      \
    moment();                                                          \
    type answer = next arguments;                                      \
    int error = errno;                                                 \
    moment();                                                          \
    errno = error;                                                     \
    return answer;                                                     \
  }

AROUND(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
AROUND(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags))
AROUND(int, epoll_ctl, (int fd, int what, int other, struct epoll_event *event),
       (fd, what, other, event))
AROUND(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t size),
       (fd, level, name, value, size))
AROUND(int, poll, (struct pollfd *entries, nfds_t number, int time), (entries, number, time))
AROUND(int, shutdown, (int fd, int how), (fd, how))
AROUND(int, accept4, (int fd, struct sockaddr *address, socklen_t *size, int flags),
       (fd, address, size, flags))
AROUND(void *, mmap, (void *at, size_t size, int protection, int flags, int fd, off_t offset),
       (at, size, protection, flags, fd, offset))
AROUND(int, munmap, (void *at, size_t size), (at, size))
AROUND(int, close, (int fd), (fd))
AROUND(ssize_t, write, (int fd, const void *bytes, size_t size), (fd, bytes, size))
AROUND(ssize_t, preadv, (int fd, const struct iovec *parts, int number, off_t offset),
       (fd, parts, number, offset))
AROUND(ssize_t, pwritev, (int fd, const struct iovec *parts, int number, off_t offset),
       (fd, parts, number, offset))
AROUND(int, fdatasync, (int fd), (fd))

int ioctl(int fd, unsigned long request, ...) {
  static int (*next)(int, unsigned long, ...);
  if (!next) next = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
  va_list list;
  va_start(list, request);
  void *argument = va_arg(list, void *);
  va_end(list);
  moment();
  return next(fd, request, argument);
}

// By which epoll is waited on and bells are rung.
long syscall(long number, ...) {
  static long (*next)(long, ...);
  if (!next) next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  va_list list;
  va_start(list, number);
  long a[6];
  for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
  va_end(list);
  int counts = number == SYS_epoll_pwait || number == SYS_write;
  if (counts) moment();
  long answer = next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  int error = errno;
  if (number == SYS_epoll_pwait && hooks_on)
    *hooks_on = (char)__atomic_load_n(&words[counts_references], __ATOMIC_RELAXED);
  if (counts) moment();
  errno = error;
  return answer;
}
