#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

// The other side is opened through the master: a path would lead wherever others mounted what.
static int open_terminal(int master, int *terminal) {
  struct termios settings;
  if (unlockpt(master) < 0) return -errno;
  *terminal = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (*terminal < 0) return -errno;
  // Every byte as it is: nothing echoed to the guest, no line kept back.
  if (tcgetattr(*terminal, &settings) == 0) {
    cfmakeraw(&settings);
    if (tcsetattr(*terminal, TCSANOW, &settings) == 0) return 0;
  }
  int error = errno;
  close(*terminal);
  return -error;
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
