// Prints a line for each device that comes to a bus or leaves it, those that are there first.
//
//     watch containers/lab0/socket
//
// It waits with poll(2), as a program does that has more to wait for.
#include <poll.h>
#include <stdio.h>
#include <vbus.h>

static int fail(const char *what) {
  fprintf(stderr, "watch: %s: %s\n", what, vbus_error_text());
  return 1;
}

int main(int count, char **arguments) {
  if (count != 2) {
    fprintf(stderr, "usage: watch SOCKET\n");
    return 2;
  }
  int bus = vbus_connect(arguments[1]);
  if (bus < 0) return fail(arguments[1]);
  struct pollfd waiting = {.fd = vbus_descriptor(bus), .events = POLLIN};
  while (poll(&waiting, 1, -1) >= 0) {
    struct vbus_event event;
    int answer;
    while ((answer = vbus_next_event(bus, &event, 0)) == 1) {
      if (event.kind == VBUS_DEVICE_ADDED)
        printf("added %u %s\n", event.device.id, event.device.type);
      if (event.kind == VBUS_DEVICE_DROPPED) printf("dropped %u\n", event.device.id);
    }
    fflush(stdout);
    if (answer < 0) return fail(arguments[1]);
  }
  return 1;
}
