// Does what no program should, and prints each answer that is not the one that is due. The bus has
// a card, 0, that sends every frame back, and a disk, 1.
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <vbus.h>

static int failures;

static void expect(long answer, long due, int line) {
  if (answer == due) return;
  printf("line %d: %ld, not %ld: %s\n", line, answer, due, vbus_error_text());
  failures++;
}
#define EXPECT(call, due) expect((call), (due), __LINE__)

// Numbers that stand for nothing, or for something else.
static void wrong_numbers(int bus) {
  struct vbus_event event;
  struct vbus_device_info list[1];
  for (int number = -1; number < 1; number++) {
    EXPECT(vbus_disconnect(number), -EBADF);
    EXPECT(vbus_open(number, 0, 1), -EBADF);
    EXPECT(vbus_close(number), -EBADF);
    EXPECT(vbus_memory_drop(number), -EBADF);
    EXPECT(vbus_queue_publish(number), -EBADF);
    EXPECT(vbus_share_notify(number), -EBADF);
  }
  int device = vbus_open(bus, 1, 1);
  EXPECT(vbus_open(device, 0, 1), -EBADF);
  EXPECT(vbus_close(bus), -EBADF);
  EXPECT(vbus_memory_drop(device), -EBADF);
  EXPECT(vbus_next_event(device, &event, 0), -EBADF);
  EXPECT(vbus_devices(device, list, 1), -EBADF);
  EXPECT(vbus_close(device), 0);
  EXPECT(vbus_close(device), -EBADF);
  EXPECT(vbus_call(device, 2, 0, NULL, 0, NULL), -EBADF);
  int again = vbus_open(bus, 1, 1);
  EXPECT(again > device, 1);
  EXPECT(vbus_close(again), 0);
}

static void wrong_pointers(int bus) {
  EXPECT(vbus_connect(NULL), -EFAULT);
  EXPECT(vbus_devices(bus, NULL, 2), -EFAULT);
  EXPECT(vbus_devices(bus, NULL, 0), 2);
  EXPECT(vbus_next_event(bus, NULL, 0), -EFAULT);
  int device = vbus_open(bus, 0, 1);
  EXPECT(vbus_call(device, 2, 0, NULL, 6, NULL), -EFAULT);
  EXPECT(vbus_virtio_identify(device, NULL), -EFAULT);
  EXPECT(vbus_queue(device, 0, device, NULL), -EFAULT);
  EXPECT(vbus_close(device), 0);
}

static void calls(int bus) {
  unsigned char mac[6], wanted[6] = {2, 0, 0, 0, 0, 7};
  uint64_t answer = 0;
  int device = vbus_open(bus, 0, 1);
  EXPECT(vbus_open(bus, 0, 1), -EBUSY);
  EXPECT(vbus_open(bus, 9, 1), -ENOENT);
  EXPECT(vbus_open(bus, 1, 2), -EINVAL);
  EXPECT(vbus_call(device, 2, 0, mac, 6, &answer), 0);
  EXPECT(memcmp(mac, wanted, 6), 0);
  EXPECT(answer, 99);
  EXPECT(vbus_call(device, 2, 0, mac, 5, NULL), -EINVAL);
  EXPECT(vbus_call(device, 2, 0, mac, (size_t)-1, NULL), -EINVAL);
  EXPECT(vbus_close(device), 0);
}

static void memories(int bus) {
  struct vbus_buffer buffer, other;
  EXPECT(vbus_memory(bus, 0), -EINVAL);
  int memory = vbus_memory(bus, 4096);
  EXPECT(vbus_allocate(memory, 0, 0, &buffer), -EINVAL);
  EXPECT(vbus_allocate(memory, 16, 3, &buffer), -EINVAL);
  EXPECT(vbus_allocate(memory, 16, (size_t)1 << 63, &buffer), -EINVAL);
  EXPECT(vbus_allocate(memory, 4097, 0, &buffer), -ENOBUFS);
  EXPECT(vbus_allocate(memory, (size_t)-1, 0, &buffer), -EINVAL);
  EXPECT(vbus_allocate(memory, 4000, 64, &buffer), 0);
  EXPECT(vbus_allocate(memory, 4000, 0, &other), -ENOBUFS);
  EXPECT((long)((uintptr_t)buffer.bytes % 64), 0);
  memset(buffer.bytes, 7, buffer.count);
  other = buffer;
  other.address += 16;
  EXPECT(vbus_free(memory, &other), -EINVAL);
  other.address = 0;
  EXPECT(vbus_free(memory, &other), -EINVAL);
  EXPECT(vbus_free(memory, &buffer), 0);
  EXPECT(vbus_free(memory, &buffer), -EINVAL);
  EXPECT(vbus_memory_drop(memory), 0);
  EXPECT(vbus_allocate(memory, 16, 0, &buffer), -EBADF);
}

// A frame out and back, with the ring of this kind.
static void echo(int bus, enum vbus_ring ring, uint32_t by_message) {
  int device = vbus_open(bus, 0, 1);
  int memory = vbus_memory(bus, 65536);
  struct vbus_queue_shape shape = {
    .ring = ring, .entries = 3, .flow = VBUS_FROM_DEVICE, .by_message = by_message};
  if (ring == VBUS_VIRTQUEUE) EXPECT(vbus_queue(device, 0, memory, &shape), -EINVAL);
  shape.entries = 4;
  int receiving = vbus_queue(device, 0, memory, &shape);
  EXPECT(vbus_queue(device, 0, memory, &shape), -EEXIST);
  EXPECT(vbus_call(device, 0, 0, NULL, 0, NULL), -EINVAL);
  shape.flow = VBUS_TO_DEVICE;
  int transmitting = vbus_queue(device, 1, memory, &shape);
  EXPECT(vbus_memory_drop(memory), -EBUSY);

  struct vbus_buffer in, out;
  struct vbus_completion completion;
  EXPECT(vbus_allocate(memory, 2000, 0, &in), 0);
  EXPECT(vbus_allocate(memory, 2000, 0, &out), 0);
  memset(out.bytes, 42, 100);
  struct vbus_segment segment = {in.address, 2000, 1};
  EXPECT(vbus_queue_post(receiving, &segment, 0, 1), -EINVAL);
  EXPECT(vbus_queue_post(receiving, NULL, 1, 1), -EFAULT);
  EXPECT(vbus_queue_post(receiving, &segment, 1, 12345678901), 1);
  EXPECT(vbus_queue_publish(receiving), 0);
  EXPECT(vbus_call(device, 0, 0, NULL, 0, NULL), 0);
  EXPECT(vbus_queue_reap(receiving, &completion), 0);
  segment = (struct vbus_segment){out.address, 100, 0};
  EXPECT(vbus_queue_post(transmitting, &segment, 1, 5), 1);
  EXPECT(vbus_queue_publish(transmitting), 0);
  if (vbus_queue_enable(receiving) == 0) {
    struct pollfd waiting = {.fd = vbus_queue_descriptor(receiving), .events = POLLIN};
    EXPECT(poll(&waiting, 1, 5000), 1);
  }
  EXPECT(vbus_queue_wait(receiving, 5000), 1);
  EXPECT(vbus_queue_reap(receiving, &completion), 1);
  EXPECT(completion.cookie == 12345678901, 1);
  EXPECT(completion.written, 100);
  EXPECT(((unsigned char *)in.bytes)[99], 42);
  EXPECT(vbus_queue_wait(transmitting, 5000), 1);
  EXPECT(vbus_queue_reap(transmitting, &completion), 1);
  EXPECT(completion.cookie, 5);
  EXPECT(vbus_queue_wait(transmitting, 10), 0);
  EXPECT(vbus_close(device), 0);
  EXPECT(vbus_queue_publish(transmitting), -EBADF);
  EXPECT(vbus_memory_drop(memory), 0);
}

// Memory that is shared as it is.
static void shares(int bus) {
  struct vbus_buffer buffer;
  struct vbus_signal signal = {.offset = 8};
  int device = vbus_open(bus, 1, 1);
  int memory = vbus_memory(bus, 4096);
  EXPECT(vbus_allocate(memory, 64, 0, &buffer), 0);
  EXPECT(vbus_share(device, 9, memory, NULL, NULL), -EFAULT);
  EXPECT(vbus_share(device, 9, device, &buffer, NULL), -EBADF);
  int plain = vbus_share(device, 9, memory, &buffer, NULL);
  EXPECT(plain > 0, 1);
  EXPECT(vbus_share_notify(plain), -EINVAL);
  EXPECT(vbus_share_wait(plain, 0), -EINVAL);
  EXPECT(vbus_queue_publish(plain), -EBADF);
  signal.offset = 56;
  EXPECT(vbus_share(device, 10, memory, &buffer, &signal), -EINVAL);
  signal.offset = 8;
  int share = vbus_share(device, 10, memory, &buffer, &signal);
  EXPECT(vbus_share_wait(share, 10), 0);
  EXPECT(vbus_share_notify(share), 0);
  EXPECT(vbus_share_descriptor(share) > 0, 1);
  int changes = vbus_virtio_configuration_changes(device, memory);
  EXPECT(vbus_share_wait(changes, 10), 0);
  EXPECT(vbus_virtio_configuration_changes(device, memory), -EEXIST);
  EXPECT(vbus_close(device), 0);
  EXPECT(vbus_share_wait(share, 0), -EBADF);
}

int main(int count, char **arguments) {
  if (count != 2) return 2;
  int bus = vbus_connect(arguments[1]);
  EXPECT(bus > 0, 1);
  wrong_numbers(bus);
  wrong_pointers(bus);
  calls(bus);
  memories(bus);
  shares(bus);
  echo(bus, VBUS_IOQ, 0);
  echo(bus, VBUS_IOQ, 1);
  echo(bus, VBUS_VIRTQUEUE, 0);
  echo(bus, VBUS_VIRTQUEUE, 1);
  EXPECT(vbus_disconnect(bus), 0);
  EXPECT(vbus_disconnect(bus), -EBADF);
  return failures != 0;
}
