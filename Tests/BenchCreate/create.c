// Makes a disk from nothing and asks it for its features, by plain system calls: in a tree of
// vbusfs and in qemu-storage-daemon, in turns. Prints nanoseconds from the first call to the answer:
//
//   ours, qsd              the back end's process runs already
//   ours-first, qsd-first  with the start of that process
//
//   create ROUNDS FIRST_ROUNDS TREE RUNTIME QMP_SOCKET FOLDER
//
// RUNTIME is where the tree's sockets lie. The folder is for sockets of the daemon's.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *tree, *runtime_folder, *folder;

static void require(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "create: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

// A text made of a pattern; good until four more were made.
__attribute__((format(printf, 1, 2))) static const char *text(const char *pattern, ...) {
  static char texts[4][1024];
  static int next;
  char *place = texts[next++ % 4];
  va_list arguments;
  va_start(arguments, pattern);
  vsnprintf(place, sizeof texts[0], pattern, arguments);
  va_end(arguments);
  return place;
}

// Connects, as soon as somebody listens.
static int connected(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  require(strlen(path) < sizeof address.sun_path, path);
  strcpy(address.sun_path, path);
  int link = socket(AF_UNIX, SOCK_STREAM, 0);
  require(link >= 0, "socket");
  uint64_t end = now() + 5000000000u;
  while (connect(link, (struct sockaddr *)&address, sizeof address) != 0) {
    require((errno == ENOENT || errno == ECONNREFUSED) && now() < end, path);
    usleep(20);
  }
  return link;
}

static void receive(int link, void *bytes, size_t count) {
  for (size_t done = 0; done < count;) {
    ssize_t part = read(link, (char *)bytes + done, count - done);
    require(part > 0, "read");
    done += (size_t)part;
  }
}

// VHOST_USER_GET_FEATURES; answers the connection.
static int ask_features(const char *path) {
  int link = connected(path);
  uint32_t question[3] = {1, 1, 0};
  uint32_t answer[5] = {0};
  require(write(link, question, sizeof question) == sizeof question, "write");
  receive(link, answer, sizeof answer);
  require(answer[0] == 1 && answer[2] == 8, "features");
  return link;
}

// -- vbusfs

static void set(const char *path, const char *value) {
  int file = open(path, O_WRONLY);
  require(file >= 0, path);
  require(write(file, value, strlen(value)) == (ssize_t)strlen(value), path);
  close(file);
}

static uint64_t make_ours(const char *container, const char *device, int is_first) {
  uint64_t start = now();
  if (is_first) require(mkdir(text("%s/containers/%s", tree, container), 0755) == 0, "container");
  require(mkdir(text("%s/devices/%s", tree, device), 0755) == 0, "device");
  set(text("%s/devices/%s/type", tree, device), "blk\n");
  set(text("%s/devices/%s/backend", tree, device), "null\n");
  set(text("%s/devices/%s/capacity", tree, device), "1M\n");
  set(text("%s/devices/%s/enabled", tree, device), "1\n");
  require(
    symlink(
      text("../../../devices/%s", device),
      text("%s/containers/%s/devices/%s", tree, container, device)) == 0,
    "link");
  int link = ask_features(text("%s/sockets/%s", runtime_folder, device));
  uint64_t spent = now() - start;
  close(link);
  return spent;
}

static void remove_ours(const char *container, const char *device, int is_first) {
  require(
    unlink(text("%s/containers/%s/devices/%s", tree, container, device)) == 0, "unlink");
  set(text("%s/devices/%s/enabled", tree, device), "0\n");
  require(rmdir(text("%s/devices/%s", tree, device)) == 0, "rmdir");
  if (is_first) require(rmdir(text("%s/containers/%s", tree, container)) == 0, "rmdir");
}

// -- qemu-storage-daemon

static int qmp = -1;

// Says something to the daemon; whether it agreed. Events that come before the answer are read over.
static int say(const char *command) {
  static char bytes[65536];
  static size_t filled;
  require(write(qmp, command, strlen(command)) == (ssize_t)strlen(command), "QMP");
  for (;;) {
    char *end;
    while ((end = memchr(bytes, '\n', filled))) {
      *end = 0;
      int agreed = strncmp(bytes, "{\"return\"", 9) == 0;
      int refused = strncmp(bytes, "{\"error\"", 8) == 0;
      filled -= (size_t)(end + 1 - bytes);
      memmove(bytes, end + 1, filled);
      if (agreed || refused) return agreed;
    }
    ssize_t part = read(qmp, bytes + filled, sizeof bytes - filled);
    require(part > 0, "QMP");
    filled += (size_t)part;
  }
}

static uint64_t make_theirs(const char *name) {
  uint64_t start = now();
  require(
    say(text(
      "{\"execute\":\"blockdev-add\",\"arguments\":{\"driver\":\"null-co\",\"node-name\":\"%s\","
      "\"size\":1048576,\"read-zeroes\":true}}\n", name)),
    "blockdev-add");
  require(
    say(text(
      "{\"execute\":\"block-export-add\",\"arguments\":{\"type\":\"vhost-user-blk\",\"id\":\"%s\","
      "\"node-name\":\"%s\",\"writable\":true,\"addr\":{\"type\":\"unix\",\"path\":\"%s/%s\"}}}\n",
      name, name, folder, name)),
    "block-export-add");
  int link = ask_features(text("%s/%s", folder, name));
  uint64_t spent = now() - start;
  close(link);
  return spent;
}

static void remove_theirs(const char *name) {
  require(
    say(text(
      "{\"execute\":\"block-export-del\",\"arguments\":{\"id\":\"%s\",\"mode\":\"hard\"}}\n",
      name)),
    "block-export-del");
  // The export ends when it has seen that nobody is connected.
  while (!say(text(
    "{\"execute\":\"blockdev-del\",\"arguments\":{\"node-name\":\"%s\"}}\n", name)))
    usleep(200);
}

static uint64_t start_theirs(void) {
  const char *path = text("%s/first", folder);
  char export[1024];
  snprintf(
    export, sizeof export,
    "vhost-user-blk,id=e,node-name=n,writable=on,addr.type=unix,addr.path=%s", path);
  char *arguments[] = {
    "qemu-storage-daemon", "--blockdev", "driver=null-co,node-name=n,size=1048576,read-zeroes=on",
    "--export", export, NULL};
  pid_t pid;
  uint64_t start = now();
  require(posix_spawnp(&pid, arguments[0], NULL, NULL, arguments, environ) == 0, "spawn");
  int link = ask_features(path);
  uint64_t spent = now() - start;
  close(link);
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  unlink(path);
  return spent;
}

int main(int count, char **arguments) {
  if (count != 7) return 2;
  tree = arguments[3];
  runtime_folder = arguments[4];
  folder = arguments[6];
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(1, &set);
  sched_setaffinity(0, sizeof set, &set);
  qmp = connected(arguments[5]);
  require(say("{\"execute\":\"qmp_capabilities\"}\n"), "qmp_capabilities");
  // A device that stays keeps the engine alive.
  make_ours("busy", "stays", 1);
  for (int round = 0; round < atoi(arguments[1]); round++) {
    printf("ours %llu\n", (unsigned long long)make_ours("busy", "d", 0));
    remove_ours("busy", "d", 0);
    printf("qsd %llu\n", (unsigned long long)make_theirs("n"));
    remove_theirs("n");
  }
  for (int round = 0; round < atoi(arguments[2]); round++) {
    printf("ours-first %llu\n", (unsigned long long)make_ours("fresh", "d", 1));
    remove_ours("fresh", "d", 1);
    printf("qsd-first %llu\n", (unsigned long long)start_theirs());
  }
  remove_ours("busy", "stays", 1);
  return 0;
}
