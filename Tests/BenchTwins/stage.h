// The split virtqueue of VIRTIO 1.2 section 2.7 as both twins see it.
#pragma once

#include "BenchTwins.h"

struct descriptor {
  uint64_t address;
  uint32_t count;
  uint16_t flags;
  uint16_t next;
};

struct available {
  uint16_t flags;
  uint16_t index;
  uint16_t slots[stage_queue_size];
  uint16_t used_event;
};

struct used {
  uint16_t flags;
  uint16_t index;
  struct {
    uint32_t head;
    uint32_t written;
  } slots[stage_queue_size];
  uint16_t available_event;
};

enum { flag_continues = 1, flag_writable = 2, flag_table = 4 };

struct stage {
  uint8_t *base;
  struct descriptor *table;
  struct available *available;
  struct used *used;
  uint16_t offered;
};

extern struct stage stage;
