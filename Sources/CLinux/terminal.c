#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

int linux_make_raw(int terminal) {
  struct termios settings;
  if (tcgetattr(terminal, &settings) < 0) return -errno;
  cfmakeraw(&settings);
  settings.c_cflag |= CLOCAL;
  return tcsetattr(terminal, TCSANOW, &settings) < 0 ? -errno : 0;
}

// The other side is opened through the master: a path would lead wherever others mounted what.
static int open_terminal(int master, int *terminal) {
  if (unlockpt(master) < 0) return -errno;
  *terminal = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (*terminal < 0) return -errno;
  // Every byte as it is: nothing echoed to the guest, no line kept back.
  int failed = linux_make_raw(*terminal);
  if (failed < 0) close(*terminal);
  return failed;
}

int linux_open_terminal(int fds[2]) {
  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (master < 0) return -errno;
  int failed = open_terminal(master, &fds[1]);
  if (failed) {
    close(master);
    return failed;
  }
  fds[0] = master;
  return 0;
}

int linux_terminal_name(int master, char *name, size_t capacity) {
  return -ptsname_r(master, name, capacity);
}
