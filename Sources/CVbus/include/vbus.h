// A client of the native bus, for C and for whatever can call it: libvbus.so.
//
//     int bus = vbus_connect("/run/vbusfs/containers/lab0/socket");
//     struct vbus_device_info list[16];
//     int count = vbus_devices(bus, list, 16);
//     int device = vbus_open(bus, list[0].id, 1);
//
// Every function answers a number that is not negative, or a negated errno; `vbus_error_text` then
// has a sentence. What stands for an object is a number greater than 0 that is never given again: a
// number of something that is gone, or of another kind, is answered with -EBADF; -EMFILE says that
// all 2^31 were given. Lengths and offsets are in bytes. No function waits for ever unless it is
// told to by milliseconds less than 0; with 0 it does not wait.
//
// -ENOENT, -EBUSY, -EINVAL and others come from the host as they are, or are of what no host takes;
// nothing has changed. -ENOMEM, -EMFILE and -ENFILE mean the same where this process has too little
// left. These mean that the connection has ended, and with it all that was opened over it:
//
//     -ENOTCONN   the host ended it, or it was ended before
//     -ETIMEDOUT  the host did not answer within ten seconds
//     -EPROTO     the host said what means nothing
//
// -EBADMSG means that a ring is broken and that its queue is of no use any more; -ENOBUFS that the
// memory has no room; -EFAULT that a pointer is NULL which must not be.
//
// A bus and all that belongs to it may be used by any thread, by one at a time: a function waits
// until the others have returned, also those that wait themselves. Buses do not wait for each
// other. After fork(2) only one of the two processes may go on.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What the last function that failed in this thread has to say, until the next one fails. Never
// NULL; at most 255 bytes of UTF-8.
const char *vbus_error_text(void);

// -- A bus and its devices ------------------------------------------------------------------------

enum { VBUS_TYPE_SIZE = 128 };

struct vbus_device_info {
  uint32_t id;
  // The interface type, by which a driver finds its devices; it ends with a NUL, and a longer one
  // is cut.
  char type[VBUS_TYPE_SIZE];
};

// Connects to the socket of a container; the path may be of any length. Answers the bus. -ENOENT,
// -ECONNREFUSED and -EACCES say that nobody serves a bus there, or not for us.
int vbus_connect(const char *path);

// Ends the connection: every device is closed, every number of this bus is gone, and so are the
// bytes of its memories. Also what has ended by itself is to be disconnected.
int vbus_disconnect(int bus);

// All devices that are on the bus now, in the order of their ids. Writes at most `capacity` of them
// and answers how many there are, at most 65536; `list` may be NULL with a capacity of 0. Each is
// told by an event, too, once.
int vbus_devices(int bus, struct vbus_device_info *list, size_t capacity);

enum vbus_event_kind {
  VBUS_DEVICE_ADDED,
  VBUS_DEVICE_DROPPED,
  // The device rings for a share that has no bells of its own.
  VBUS_SIGNAL,
  // A share is gone: its device was closed. The last event of it.
  VBUS_SHARE_CLOSED,
};

struct vbus_event {
  enum vbus_event_kind kind;
  // Of a device that came or went; its type stands in `device.type` when it came.
  struct vbus_device_info device;
  // As `vbus_share_cookie` and `vbus_queue_cookie` have it.
  uint64_t cookie;
};

// The next event: 1, or 0 when none came in time.
int vbus_next_event(int bus, struct vbus_event *event, int milliseconds);

// A descriptor for poll(2), readable while `vbus_next_event` has something to take or to say. It
// belongs to the bus; do not close it.
int vbus_descriptor(int bus);

// Opens a device with this version of its calls. Answers the device. -ENOENT for an id that is not
// there, -EINVAL for another version, -EBUSY while anybody has it open.
int vbus_open(int bus, uint32_t id, uint32_t version);

// Closes a device, and with it all that is shared with it: the numbers of its shares and queues are
// gone, and the memory that its queues took is free again. Buffers that it had are not told.
int vbus_close(int device);

// Has the device carry out a function on `count` bytes, at most 65536, which hold its answer
// afterwards; they stay as they are when it is refused. `data` may be NULL with a count of 0.
// `answer` gets the device's number; it may be NULL. -ENOTTY for a function that the device has
// not, -EINVAL for data that is not as long as the function's.
int vbus_call(
  int device, uint32_t function, uint32_t flags, void *data, size_t count, uint64_t *answer);

// -- Memory ---------------------------------------------------------------------------------------

// A piece of memory that devices can reach.
struct vbus_buffer {
  // What rings and calls name it by.
  uint64_t address;
  // Where this process has it, until the memory is dropped.
  void *bytes;
  size_t count;
};

// Makes memory of which buffers can be taken, 1 to 2^46 bytes of zeroes; what is not used takes
// none of the machine's. Answers the memory. -ENOSPC when the bus has as many as a host maps, some
// 60.
int vbus_memory(int bus, size_t count);

// Takes memory away; -EBUSY while any of it is shared. Its buffers are gone, and what they have
// been in this process must not be touched any more.
int vbus_memory_drop(int memory);

// Takes a buffer of so many bytes, which begins at a multiple of 16 and of `alignment`, a power of
// two or 0. What it holds is what was left there. -ENOBUFS when there is no room, -EINVAL for no
// bytes and for another alignment.
int vbus_allocate(int memory, size_t count, size_t alignment, struct vbus_buffer *buffer);

// Gives a buffer back, which no device may have any more; -EINVAL for one that is not taken.
int vbus_free(int memory, const struct vbus_buffer *buffer);

// -- Memory that is shared as it is ---------------------------------------------------------------

struct vbus_signal {
  // Where in the shared bytes a shm-signal is to lie: 16 bytes, at a multiple of 4.
  uint32_t offset;
  // Of its events; a higher one comes first.
  uint32_t priority;
  // Not 0: it has no eventfds, and each ring is a message.
  uint32_t by_message;
};

// Shares a buffer of less than 4 GiB with a device, as its memory number `id`. `signal` is NULL for
// none. Answers the share. -EEXIST for an id that is shared already, -EINVAL for a signal that does
// not lie in the buffer.
int vbus_share(
  int device, uint32_t id, int memory, const struct vbus_buffer *buffer,
  const struct vbus_signal *signal);

// Says that the bytes have changed, and rings when the device wants that. -EINVAL without a signal.
int vbus_share_notify(int share);

// Waits until the device says that it changed the bytes: 1, or 0 when it did not in time. Look at
// them when it did. -EINVAL without a signal.
int vbus_share_wait(int share, int milliseconds);

// A descriptor for poll(2), readable when the device rang; `vbus_share_wait` with 0 milliseconds
// takes it. Wait once before. It belongs to the share, or is that of the bus.
int vbus_share_descriptor(int share);

// What the events of this share bear.
int vbus_share_cookie(int share, uint64_t *cookie);

// -- Queues ---------------------------------------------------------------------------------------

enum vbus_ring {
  // vbus's own ring: single buffers that all go one way, 1 to 2048 of them.
  VBUS_IOQ,
  // A split virtqueue with a shm-signal: chains, a power of two of buffers up to 32768.
  VBUS_VIRTQUEUE,
};

enum vbus_flow { VBUS_BOTH_WAYS, VBUS_TO_DEVICE, VBUS_FROM_DEVICE };

struct vbus_queue_shape {
  enum vbus_ring ring;
  // An ioq needs one, and that of the device's queue: a ring does not say which way it goes, and the
  // device takes it the way of its queue. A virtqueue may be VBUS_BOTH_WAYS.
  enum vbus_flow flow;
  uint32_t entries;
  uint32_t priority;
  // Not 0: it has no eventfds, and each ring is a message.
  uint32_t by_message;
  // Those that were negotiated, for a virtqueue.
  uint64_t features;
};

struct vbus_segment {
  uint64_t address;
  uint32_t count;
  // Not 0: the device writes it.
  uint32_t is_writable;
};

struct vbus_completion {
  // As it was posted.
  uint64_t cookie;
  // How much the device wrote; never more than there was room for.
  uint32_t written;
};

// Makes a queue in `memory` and shares it with the device, as its memory number `id`. It takes less
// than 64 bytes an entry and 256 of it. Answers the queue. -EINVAL for a shape that its ring has
// not or that is larger than the device takes, -EEXIST for an id that is shared already, -ENOBUFS
// when the memory has no room, -EOPNOTSUPP for a ring that the device does not serve.
int vbus_queue(int device, uint32_t id, int memory, const struct vbus_queue_shape *shape);

// Begins anew, empty, with the same features: only after the device was reset. What was posted is
// forgotten.
int vbus_queue_restart(int queue);

// Posts a chain of buffers, those that the device reads first: 1, or 0 when there is no room. The
// device sees it at the next `vbus_queue_publish`, and has the buffers until they are reaped.
// -EINVAL for a chain that the ring cannot express: for an ioq any but one buffer that goes its
// way.
int vbus_queue_post(
  int queue, const struct vbus_segment *chain, size_t count, uint64_t cookie);

// Shows the device what was posted, and rings when it wants that.
int vbus_queue_publish(int queue);

// Takes back what the device is done with: 1, or 0 when there is nothing.
int vbus_queue_reap(int queue, struct vbus_completion *completion);

// Waits until something can be reaped: 1, or 0 when nothing could in time.
int vbus_queue_wait(int queue, int milliseconds);

// Asks for a bell for what the device is done with next: 1 when something can be reaped already.
// Each time before `vbus_queue_descriptor` is waited for.
int vbus_queue_enable(int queue);

// Asks for no bells.
int vbus_queue_disable(int queue);

// Takes the bell after poll(2): 1 when the device rang.
int vbus_queue_clear(int queue);

// A descriptor for poll(2). It belongs to the queue, or is that of the bus.
int vbus_queue_descriptor(int queue);

// What the events of this queue bear.
int vbus_queue_cookie(int queue, uint64_t *cookie);

// -- Virtio, which every device speaks ------------------------------------------------------------

struct vbus_virtio_identity {
  // VIRTIO 1.2 section 5.
  uint32_t device_id;
  uint32_t queue_count;
  uint32_t queue_size_max;
  uint32_t configuration_size;
};

// Who the device is.
int vbus_virtio_identify(int device, struct vbus_virtio_identity *identity);

// Resets the device, and takes those of the features that it offers. `features` gets them; it may
// be NULL. -EOPNOTSUPP when the device does not agree (section 3.1.1).
int vbus_virtio_negotiate(int device, uint64_t wanted, uint64_t *features);

// Lets the device begin (DRIVER_OK), or stops it (reset): restart its queues then.
int vbus_virtio_start(int device);
int vbus_virtio_reset(int device);

// A share that the device notifies when its configuration space changes (section 2.5.4), for
// `vbus_share_wait`. Once for each device, else -EEXIST. It takes 16 bytes of the
// memory until that is dropped.
int vbus_virtio_configuration_changes(int device, int memory);

// The device status (section 2.1).
int vbus_virtio_status(int device, uint32_t *status);

// Bytes of the configuration space, 1 to 256 at once. -EINVAL outside of it, -EROFS where it cannot
// be written.
int vbus_virtio_read_configuration(int device, uint32_t offset, void *bytes, size_t count);
int vbus_virtio_write_configuration(int device, uint32_t offset, const void *bytes, size_t count);

#ifdef __cplusplus
}
#endif
