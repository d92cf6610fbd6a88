// Writes the first bytes of a disk to standard output: virtio-blk over a virtqueue.
//
//     disk_reader containers/lab0/socket ID BYTES
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vbus.h>

// VIRTIO 1.2 section 5.2 and VIRTIO_F_VERSION_1.
enum { disk_id = 2, sector_size = 512, request_size = 65536 };
static const uint64_t version_1 = 1ull << 32;

struct request_header {
  uint32_t type;  // 0: read
  uint32_t reserved;
  uint64_t sector;
};

static void check(int answer, const char *what) {
  if (answer >= 0) return;
  fprintf(stderr, "disk_reader: %s: %s\n", what, vbus_error_text());
  exit(1);
}

static void stop(const char *sentence) {
  fprintf(stderr, "disk_reader: %s\n", sentence);
  exit(1);
}

struct disk {
  int queue;
  struct vbus_buffer header, data, status;
};

// Reads sectors into the data buffer.
static void read_sectors(struct disk *disk, uint64_t sector, uint32_t size) {
  struct request_header header = {.sector = sector};
  memcpy(disk->header.bytes, &header, sizeof header);
  memset(disk->status.bytes, 0xff, 1);
  struct vbus_segment chain[] = {
    {disk->header.address, sizeof header, 0},
    {disk->data.address, size, 1},
    {disk->status.address, 1, 1},
  };
  check(vbus_queue_post(disk->queue, chain, 3, 0), "post");
  check(vbus_queue_publish(disk->queue), "publish");
  int ready = vbus_queue_wait(disk->queue, 30000);
  check(ready, "wait");
  if (!ready) stop("the disk does not answer");
  struct vbus_completion completion;
  check(vbus_queue_reap(disk->queue, &completion), "reap");
  if (*(unsigned char *)disk->status.bytes != 0) stop("the disk cannot read there");
}

int main(int count, char **arguments) {
  if (count != 4) {
    fprintf(stderr, "usage: disk_reader SOCKET ID BYTES\n");
    return 2;
  }
  uint64_t left = strtoull(arguments[3], NULL, 10);

  int bus = vbus_connect(arguments[1]);
  check(bus, arguments[1]);
  int device = vbus_open(bus, (uint32_t)strtoul(arguments[2], NULL, 10), 1);
  check(device, "open");
  struct vbus_virtio_identity identity;
  check(vbus_virtio_identify(device, &identity), "identify");
  if (identity.device_id != disk_id) stop("the device is no disk");

  uint64_t features;
  check(vbus_virtio_negotiate(device, version_1, &features), "negotiate");
  int memory = vbus_memory(bus, 2 * request_size);
  check(memory, "memory");
  struct disk disk;
  struct vbus_queue_shape shape = {.ring = VBUS_VIRTQUEUE, .entries = 4, .features = features};
  disk.queue = vbus_queue(device, 0, memory, &shape);
  check(disk.queue, "queue");
  check(vbus_allocate(memory, sizeof(struct request_header), 0, &disk.header), "allocate");
  check(vbus_allocate(memory, request_size, 0, &disk.data), "allocate");
  check(vbus_allocate(memory, 1, 0, &disk.status), "allocate");
  check(vbus_virtio_start(device), "start");

  for (uint64_t sector = 0; left > 0; sector += request_size / sector_size) {
    uint64_t size = left < request_size ? left : request_size;
    uint64_t whole = (size + sector_size - 1) / sector_size * sector_size;
    read_sectors(&disk, sector, (uint32_t)whole);
    if (fwrite(disk.data.bytes, 1, size, stdout) != size) stop("standard output is gone");
    left -= size;
  }
  check(vbus_disconnect(bus), "disconnect");
  return fflush(stdout) == 0 ? 0 : 1;
}
