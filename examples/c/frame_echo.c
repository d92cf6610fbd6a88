// Sends every Ethernet frame back to where it came from: vbus's own network card, an ioq each way.
//
//     frame_echo containers/lab0/socket [FRAMES]
//
// It takes the first card of the bus, and ends after so many frames, if that is told.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vbus.h>

// The calls of "virtual-ethernet", and the numbers of its queues.
enum { link_up = 0, mac_query = 2 };
enum { receive_queue = 0, transmit_queue = 1 };
enum { entries = 64, frame_size = 9234 };

static void check(int answer, const char *what) {
  if (answer >= 0) return;
  fprintf(stderr, "frame_echo: %s: %s\n", what, vbus_error_text());
  exit(1);
}

static int first_card(int bus) {
  static struct vbus_device_info list[1024];
  int count = vbus_devices(bus, list, 1024);
  check(count, "devices");
  for (int i = 0; i < count && i < 1024; i++)
    if (strcmp(list[i].type, "virtual-ethernet") == 0) {
      int device = vbus_open(bus, list[i].id, 1);
      check(device, "open");
      return device;
    }
  fprintf(stderr, "frame_echo: there is no network card on this bus\n");
  exit(1);
}

int main(int count, char **arguments) {
  if (count != 2 && count != 3) {
    fprintf(stderr, "usage: frame_echo SOCKET [FRAMES]\n");
    return 2;
  }
  long left = count == 3 ? strtol(arguments[2], NULL, 10) : -1;

  int bus = vbus_connect(arguments[1]);
  check(bus, arguments[1]);
  int device = first_card(bus);
  int memory = vbus_memory(bus, 1 << 20);
  check(memory, "memory");
  struct vbus_queue_shape shape = {.ring = VBUS_IOQ, .entries = entries};
  shape.flow = VBUS_FROM_DEVICE;
  int receiving = vbus_queue(device, receive_queue, memory, &shape);
  check(receiving, "receive queue");
  shape.flow = VBUS_TO_DEVICE;
  int transmitting = vbus_queue(device, transmit_queue, memory, &shape);
  check(transmitting, "transmit queue");

  // A buffer is either with the device to be filled, or on its way back in a frame. Its number is
  // the cookie.
  struct vbus_buffer buffers[entries];
  for (uint64_t i = 0; i < entries; i++) {
    check(vbus_allocate(memory, frame_size, 0, &buffers[i]), "allocate");
    struct vbus_segment segment = {buffers[i].address, frame_size, 1};
    check(vbus_queue_post(receiving, &segment, 1, i), "post");
  }
  check(vbus_queue_publish(receiving), "publish");
  check(vbus_call(device, link_up, 0, NULL, 0, NULL), "link up");
  unsigned char mac[6];
  check(vbus_call(device, mac_query, 0, mac, sizeof mac, NULL), "mac");
  printf("%02x:%02x:%02x:%02x:%02x:%02x\n", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
  fflush(stdout);

  for (int filling = entries; left != 0;) {
    // With all buffers on their way back there is nothing to receive into.
    check(vbus_queue_wait(filling > 0 ? receiving : transmitting, -1), "wait");
    struct vbus_completion completion;
    while (left != 0 && vbus_queue_reap(receiving, &completion) == 1) {
      unsigned char *frame = buffers[completion.cookie].bytes;
      memcpy(frame, frame + 6, 6);
      memcpy(frame + 6, mac, 6);
      struct vbus_segment segment = {buffers[completion.cookie].address, completion.written, 0};
      check(vbus_queue_post(transmitting, &segment, 1, completion.cookie), "post");
      check(vbus_queue_publish(transmitting), "publish");
      filling--;
      if (left > 0) left--;
    }
    // What was sent can be filled again. The device has to be done with the last before we go.
    if (left == 0) check(vbus_queue_wait(transmitting, 10000), "wait");
    int answer;
    while ((answer = vbus_queue_reap(transmitting, &completion)) == 1) {
      struct vbus_segment segment = {buffers[completion.cookie].address, frame_size, 1};
      check(vbus_queue_post(receiving, &segment, 1, completion.cookie), "post");
      filling++;
    }
    check(answer, "reap");
    check(vbus_queue_publish(receiving), "publish");
  }
  check(vbus_disconnect(bus), "disconnect");
  return 0;
}
