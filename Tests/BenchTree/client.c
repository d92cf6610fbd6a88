// Asks a tree the same thing again and again, by plain system calls, and says what that cost the
// process that serves it.
//
//   client OPERATION COUNT TREE PID      prints nanoseconds per operation: processor time of PID, wall
//   client fill COUNT TREE PID           makes disks f0… of COUNT and enables them, but for those there
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char path[4096];
static int file = -1;
static const char *tree;

static void fail(const char *what) {
  fprintf(stderr, "client: %s: %s: %s\n", what, path, strerror(errno));
  exit(1);
}

static void require(int holds, const char *what) {
  if (!holds) fail(what);
}

static void name_path(const char *rest) { snprintf(path, sizeof path, "%s/%s", tree, rest); }

static uint64_t now(clockid_t clock) {
  struct timespec time;
  require(clock_gettime(clock, &time) == 0, "clock_gettime");
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void do_fstat(int round) {
  (void)round;
  struct stat facts;
  require(fstat(file, &facts) == 0, "fstat");
}

static void do_stat(int round) {
  (void)round;
  struct stat facts;
  require(stat(path, &facts) == 0, "stat");
}

static void do_missing(int round) {
  (void)round;
  struct stat facts;
  require(stat(path, &facts) == -1 && errno == ENOENT, "stat of nothing");
}

static void do_read(int round) {
  (void)round;
  char bytes[256];
  int opened = open(path, O_RDONLY);
  require(opened >= 0, "open");
  require(read(opened, bytes, sizeof bytes) > 0, "read");
  require(close(opened) == 0, "close");
}

static void do_write(int round) {
  int opened = open(path, O_WRONLY | O_TRUNC);
  require(opened >= 0, "open");
  require(write(opened, round % 2 ? "a\n" : "b\n", 2) == 2, "write");
  require(close(opened) == 0, "close");
}

static void do_mkdir(int round) {
  (void)round;
  require(mkdir(path, 0755) == 0, "mkdir");
  require(rmdir(path) == 0, "rmdir");
}

static void do_readdir(int round) {
  (void)round;
  int found = 0;
  DIR *directory = opendir(path);
  require(directory != NULL, "opendir");
  while (readdir(directory)) found++;
  require(found == 16, "readdir");
  closedir(directory);
}

static void set(const char *device, const char *name, const char *value) {
  char rest[64];
  snprintf(rest, sizeof rest, "devices/%s/%s", device, name);
  name_path(rest);
  int opened = open(path, O_WRONLY);
  require(opened >= 0, "open");
  require(write(opened, value, strlen(value)) == (ssize_t)strlen(value), "write");
  require(close(opened) == 0, "close");
}

static void make_disk(const char *device) {
  char rest[64];
  snprintf(rest, sizeof rest, "devices/%s", device);
  name_path(rest);
  require(mkdir(path, 0755) == 0, "mkdir");
  set(device, "type", "blk\n");
  set(device, "backend", "null\n");
  set(device, "capacity", "1M\n");
  set(device, "enabled", "1\n");
}

static void do_fill(int round) {
  struct stat facts;
  char device[16], rest[64];
  snprintf(device, sizeof device, "f%d", round);
  snprintf(rest, sizeof rest, "devices/%s", device);
  name_path(rest);
  if (stat(path, &facts) != 0) make_disk(device);
}

static void do_life(int round) {
  struct stat facts;
  make_disk("x");
  name_path("devices/x/status");
  require(stat(path, &facts) == 0, "stat");
  do_read(round);
  set("x", "enabled", "0\n");
  name_path("devices/x");
  require(rmdir(path) == 0, "rmdir");
}

static const struct {
  const char *name;
  const char *place;
  void (*run)(int round);
} operations[] = {
  {"fstat", "devices/d0/status", do_fstat},  {"stat", "devices/d0/serial", do_stat},
  {"missing", "devices/d0/none", do_missing}, {"read", "devices/d0/serial", do_read},
  {"write", "devices/d0/serial", do_write},  {"mkdir", "devices/x", do_mkdir},
  {"readdir", "containers", do_readdir},     {"fill", "devices", do_fill},
  {"life", "devices", do_life},
};

int main(int count, char **arguments) {
  if (count != 5) return 2;
  tree = arguments[3];
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(1, &set);
  sched_setaffinity(0, sizeof set, &set);
  // What clock_getcpuclockid answers: the process's own clock in the kernel's encoding.
  clockid_t served = (clockid_t)(~(unsigned)atoi(arguments[4]) << 3 | 2);
  int rounds = atoi(arguments[2]);
  for (size_t index = 0; index < sizeof operations / sizeof *operations; index++) {
    if (strcmp(operations[index].name, arguments[1]) != 0) continue;
    name_path(operations[index].place);
    if (strcmp(arguments[1], "fstat") == 0) file = open(path, O_RDONLY);
    uint64_t spent = now(served), start = now(CLOCK_MONOTONIC);
    for (int round = 0; round < rounds; round++) operations[index].run(round);
    uint64_t wall = now(CLOCK_MONOTONIC) - start;
    spent = now(served) - spent;
    printf("%.1f %.1f\n", (double)spent / rounds, (double)wall / rounds);
    return 0;
  }
  return 2;
}
