// The device's half of a split virtqueue in plain C: the same steps, checks and barriers as
// Sources/Virtio makes, written for speed by somebody who trusts no guest.
#include <string.h>

#include "stage.h"

struct region {
  uint64_t guest_address;
  uint64_t byte_count;
  uint8_t *base;
};

struct segment {
  uint64_t address;
  uint32_t count;
  uint32_t is_writable;
};

// QueueRegionSplit and DescStateSplit of vhost-user.
struct log {
  uint64_t features;
  uint16_t version, descriptor_count, last_batch_head, used_index;
  struct {
    uint8_t in_flight, padding[5];
    uint16_t next;
    uint64_t counter;
  } states[stage_queue_size];
};

static struct ring {
  uint16_t size, taken, seen, published, settled, lead, considered;
  struct descriptor *table;
  struct available *available;
  struct used *used;
  struct region regions[stage_region_count];
  int region_count, last_hit;
  uint32_t torn;
  struct segment segments[stage_queue_size];
  int segment_count, readable_count;
  uint64_t readable_bytes, writable_bytes;
  struct log *log;
  uint64_t order;
} ring;

static struct log the_log;

void twin_begin(int logs) {
  uint16_t start = stage.used->index;
  ring = (struct ring){
    .size = stage_queue_size, .taken = start, .seen = start, .published = start,
    .settled = start, .considered = start, .table = stage.table, .available = stage.available, .used = stage.used,
    .region_count = stage_region_count, .log = logs ? &the_log : NULL};
  for (int index = 0; index < stage_region_count; index++)
    ring.regions[index] = (struct region){
      .guest_address = stage_guest_address(index), .byte_count = stage_region_bytes,
      .base = stage.base + index * stage_region_bytes};
}

#define LOAD(place, order) __atomic_load_n(&(place), __ATOMIC_##order)
#define STORE(place, value, order) __atomic_store_n(&(place), (value), __ATOMIC_##order)

// What a walk finds is counted in locals: an atomic load keeps no global in a register.
static inline int walk(uint16_t head) {
  const struct descriptor *table = ring.table;
  uint16_t index = head, size = ring.size;
  int count = 0, readable_count = 0;
  uint64_t bytes = 0, readable_bytes = 0;
  for (; count < size && index < size;) {
    // Twice 64 bits, loaded once: the guest may be changing them.
    const uint64_t *words = (const uint64_t *)&table[index];
    uint64_t address = LOAD(words[0], RELAXED);
    uint64_t rest = LOAD(words[1], RELAXED);
    uint16_t flags = (uint16_t)(rest >> 32);
    if (flags >= flag_table) return 0;
    bytes += (uint32_t)rest;
    if (!(flags & flag_writable)) {
      if (readable_count != count) return 0;
      readable_count++;
      readable_bytes = bytes;
    }
    ring.segments[count++] = (struct segment){address, (uint32_t)rest, flags & flag_writable};
    if (!(flags & flag_continues)) {
      ring.segment_count = count;
      ring.readable_count = readable_count;
      ring.readable_bytes = readable_bytes;
      ring.writable_bytes = bytes - readable_bytes;
      return bytes <= (uint64_t)1 << 32;
    }
    index = (uint16_t)(rest >> 48);
  }
  return 0;
}

static uint8_t *search(uint64_t address, uint64_t count) {
  for (int index = 0; index < ring.region_count; index++) {
    struct region *region = &ring.regions[index];
    uint64_t offset = address - region->guest_address;
    if (offset < region->byte_count && region->byte_count - offset >= count) {
      ring.last_hit = index;
      return region->base + offset;
    }
  }
  return NULL;
}

static inline uint8_t *locate(uint64_t address, uint64_t count) {
  struct region *region = &ring.regions[ring.last_hit];
  uint64_t offset = address - region->guest_address;
  if (offset < region->byte_count && region->byte_count - offset >= count)
    return region->base + offset;
  return search(address, count);
}

static inline int touch(uint64_t *words) {
  for (int index = 0; index < ring.segment_count; index++) {
    struct segment segment = ring.segments[index];
    if (segment.count < stage_touched_bytes) return 0;
    uint8_t *place = locate(segment.address, stage_touched_bytes);
    if (!place) return 0;
    if (segment.is_writable)
      memcpy(place, words, stage_touched_bytes);
    else
      memcpy(words, place, stage_touched_bytes);
    __asm__ volatile("" ::: "memory");
  }
  return 1;
}

// 1: a chain, 0: none, -1: a rule is broken.
static inline int next(uint16_t *head) {
  if (LOAD(ring.torn, RELAXED)) return -1;
  if (ring.seen == ring.taken) {
    uint16_t offered = LOAD(ring.available->index, ACQUIRE);
    uint16_t waiting = (uint16_t)(offered - ring.taken);
    if (waiting == 0) return 0;
    uint16_t outstanding = (uint16_t)(ring.taken - ring.published - ring.lead);
    if ((uint32_t)waiting + outstanding > ring.size) return -1;
    ring.seen = offered;
  }
  *head = LOAD(ring.available->slots[ring.taken & (ring.size - 1)], RELAXED);
  if (!walk(*head)) return -1;
  if (ring.log) {
    if (LOAD(ring.log->states[*head].in_flight, RELAXED)) return -1;
    STORE(ring.log->states[*head].counter, ring.order++, RELAXED);
    STORE(ring.log->states[*head].in_flight, 1, RELEASE);
  }
  ring.taken++;
  return 1;
}

static inline void settle(uint16_t head, uint32_t written) {
  uint16_t slot = ring.settled & (ring.size - 1);
  STORE(ring.used->slots[slot].head, head, RELAXED);
  STORE(ring.used->slots[slot].written, written, RELAXED);
  if (ring.log) {
    STORE(ring.log->states[head].next, LOAD(ring.log->last_batch_head, RELAXED), RELAXED);
    STORE(ring.log->last_batch_head, head, RELEASE);
  }
  ring.settled++;
}

static inline int publish(void) {
  uint16_t count = (uint16_t)(ring.settled - ring.published);
  if (count == 0 || LOAD(ring.torn, RELAXED)) return 1;
  ring.published = ring.settled;
  STORE(ring.used->index, ring.published, RELEASE);
  if (ring.log) {
    uint16_t head = LOAD(ring.log->last_batch_head, RELAXED);
    for (uint16_t step = 0; step < count; step++) {
      if (head >= ring.size) return 0;
      STORE(ring.log->states[head].in_flight, 0, RELEASE);
      head = LOAD(ring.log->states[head].next, RELAXED);
    }
    STORE(ring.log->used_index, ring.published, RELEASE);
  }
  return 1;
}

static inline int should_interrupt(void) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  uint16_t before = ring.considered;
  ring.considered = ring.published;
  if (ring.published == before) return 0;
  uint16_t event = LOAD(ring.available->used_event, RELAXED);
  return (uint16_t)(ring.published - event - 1) < (uint16_t)(ring.published - before);
}

// Whether a chain came before the driver could see that it is to kick.
static inline int enable_kicks(void) {
  STORE(ring.used->available_event, ring.taken, RELAXED);
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  return LOAD(ring.available->index, RELAXED) != ring.taken;
}

int twin_serve(void) {
  int interrupts = 0;
  uint64_t words = 0;
  do {
    uint16_t head;
    int found;
    while ((found = next(&head)) > 0) {
      if (!touch(&words)) return -1;
      settle(head, stage_touched_bytes);
    }
    if (found < 0 || !publish()) return -1;
    interrupts += should_interrupt();
  } while (enable_kicks());
  return interrupts;
}
