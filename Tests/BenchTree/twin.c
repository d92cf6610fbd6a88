// A file system that does nothing: it answers as the tree of vbusfs does, with the same nodes,
// attributes and options, and keeps nothing but one value. What it costs is what libfuse and the
// kernel cost.
//
//   twin MOUNTPOINT SECONDS     SECONDS: how long the kernel may remember names and attributes
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  devices = 2,
  containers = 3,
  made = 4,          // devices/x, when it is there
  a_container = 16,  // and 15 more
  a_device = 1 << 16,
  file_count = 4,
  container_count = 16,
};

// The files of a device; `status` is one that the kernel may not remember.
static const char *const files[file_count] = {"type", "status", "serial", "enabled"};
enum { status_file = 1, serial_file = 2 };

static double seconds;
static int is_made;
static char serial[64] = "a\n";
static size_t serial_count = 2;

static int is_directory(fuse_ino_t node) { return node <= a_device || node % (1 << 16) == 0; }
static int is_status(fuse_ino_t node) {
  return !is_directory(node) && node % (1 << 16) == status_file + 1;
}

static struct stat facts(fuse_ino_t node) {
  struct stat facts = {0};
  facts.st_ino = node;
  facts.st_mode = is_directory(node) ? S_IFDIR | 0755 : S_IFREG | 0644;
  facts.st_nlink = is_directory(node) ? 2 : 1;
  facts.st_size = is_directory(node) ? 0 : (off_t)serial_count;
  facts.st_blksize = 4096;
  return facts;
}

static double memory_of(fuse_ino_t node) { return is_status(node) ? 0 : seconds; }

static void answer_entry(fuse_req_t request, fuse_ino_t node) {
  struct fuse_entry_param entry = {
    .ino = node, .attr = facts(node), .attr_timeout = memory_of(node),
    .entry_timeout = memory_of(node)};
  fuse_reply_entry(request, &entry);
}

static fuse_ino_t find(fuse_ino_t parent, const char *name) {
  if (parent == FUSE_ROOT_ID) {
    if (strcmp(name, "devices") == 0) return devices;
    return strcmp(name, "containers") == 0 ? containers : 0;
  }
  if (parent == containers && name[0] == 'c') {
    int number = atoi(name + 1);
    return number < container_count ? (fuse_ino_t)(a_container + number) : 0;
  }
  if (parent == devices) {
    if (strcmp(name, "d0") == 0) return a_device;
    return is_made && strcmp(name, "x") == 0 ? made : 0;
  }
  if (parent >= a_device)
    for (int file = 0; file < file_count; file++)
      if (strcmp(name, files[file]) == 0) return parent + (fuse_ino_t)file + 1;
  return 0;
}

static void do_lookup(fuse_req_t request, fuse_ino_t parent, const char *name) {
  fuse_ino_t node = find(parent, name);
  if (node == 0)
    fuse_reply_err(request, ENOENT);
  else
    answer_entry(request, node);
}

static void do_getattr(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info) {
  (void)info;
  struct stat answer = facts(node);
  fuse_reply_attr(request, &answer, memory_of(node));
}

static void do_setattr(
  fuse_req_t request, fuse_ino_t node, struct stat *wish, int mask, struct fuse_file_info *info) {
  (void)wish;
  (void)mask;
  do_getattr(request, node, info);
}

static void do_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode) {
  (void)mode;
  if (parent != devices || strcmp(name, "x") != 0 || is_made) {
    fuse_reply_err(request, EEXIST);
    return;
  }
  is_made = 1;
  answer_entry(request, made);
}

static void do_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name) {
  int is_there = parent == devices && strcmp(name, "x") == 0 && is_made;
  is_made = is_made && !is_there;
  fuse_reply_err(request, is_there ? 0 : ENOENT);
}

static void do_open(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info) {
  (void)node;
  info->direct_io = 1;
  info->noflush = 1;
  fuse_reply_open(request, info);
}

static void do_read(
  fuse_req_t request, fuse_ino_t node, size_t count, off_t offset, struct fuse_file_info *info) {
  (void)node;
  (void)info;
  if ((size_t)offset >= serial_count) {
    fuse_reply_buf(request, NULL, 0);
    return;
  }
  size_t left = serial_count - (size_t)offset;
  fuse_reply_buf(request, serial + offset, left < count ? left : count);
}

static void do_write(
  fuse_req_t request, fuse_ino_t node, const char *bytes, size_t count, off_t offset,
  struct fuse_file_info *info) {
  (void)node;
  (void)offset;
  (void)info;
  if (count > sizeof serial) {
    fuse_reply_err(request, EFBIG);
    return;
  }
  memcpy(serial, bytes, count);
  serial_count = count;
  fuse_reply_write(request, count);
}

static void do_release(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info) {
  (void)node;
  (void)info;
  fuse_reply_err(request, 0);
}

static void do_opendir(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info) {
  (void)node;
  fuse_reply_open(request, info);
}

// Of directories only `containers` is listed; FUSE needs no `.` and `..`, and ours lists none.
static void do_readdir(
  fuse_req_t request, fuse_ino_t node, size_t capacity, off_t offset,
  struct fuse_file_info *info) {
  (void)info;
  char list[4096];
  size_t filled = 0;
  if (capacity > sizeof list) capacity = sizeof list;
  for (off_t place = offset; node == containers && place < container_count; place++) {
    char name[16];
    snprintf(name, sizeof name, "c%d", (int)place);
    struct stat entry = {.st_ino = (ino_t)(a_container + place), .st_mode = S_IFDIR};
    size_t size = fuse_add_direntry(
      request, list + filled, capacity - filled, name, &entry, place + 1);
    if (size > capacity - filled) break;
    filled += size;
  }
  fuse_reply_buf(request, list, filled);
}

static const struct fuse_lowlevel_ops operations = {
  .lookup = do_lookup, .getattr = do_getattr, .setattr = do_setattr, .mkdir = do_mkdir,
  .rmdir = do_rmdir, .open = do_open, .read = do_read, .write = do_write, .release = do_release,
  .opendir = do_opendir, .readdir = do_readdir, .releasedir = do_release,
};

int main(int count, char **arguments) {
  if (count != 3) return 2;
  seconds = atof(arguments[2]);
  char *options[] = {arguments[0], "-o", "default_permissions,allow_other"};
  struct fuse_args args = FUSE_ARGS_INIT(3, options);
  struct fuse_session *session = fuse_session_new(&args, &operations, sizeof operations, NULL);
  if (!session || fuse_set_signal_handlers(session) != 0) return 1;
  if (fuse_session_mount(session, arguments[1]) != 0) return 1;
  int ending = fuse_session_loop(session);
  fuse_session_unmount(session);
  fuse_session_destroy(session);
  return ending < 0;
}
