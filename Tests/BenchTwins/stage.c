#define _GNU_SOURCE
#include "stage.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

struct stage stage;

uint64_t stage_guest_address(int index) {
  return 0x40000000u + (uint64_t)index * 2 * stage_region_bytes;
}

uint64_t stage_user_address(int index) { return 0x7f1200000000u + stage_guest_address(index); }

// A guest's buffers lie close together: eight chains in each region, the last one writable.
int stage_open(int file) {
  void *base = mmap(NULL, stage_byte_count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (base == MAP_FAILED) return -errno;
  stage.base = base;
  stage.table = (struct descriptor *)(stage.base + stage_descriptors);
  stage.available = (struct available *)(stage.base + stage_available);
  stage.used = (struct used *)(stage.base + stage_used);
  for (int chain = 0; chain < stage_chain_count; chain++) {
    int region = chain * stage_region_count / stage_chain_count;
    for (int place = 0; place < stage_chain_length; place++) {
      int number = chain * stage_chain_length + place;
      int is_last = place == stage_chain_length - 1;
      stage.table[number] = (struct descriptor){
        .address = stage_guest_address(region) + stage_buffers + 512u * (unsigned)number,
        .count = 512,
        .flags = is_last ? flag_writable : flag_continues,
        .next = (uint16_t)(is_last ? 0 : number + 1),
      };
    }
  }
  for (int slot = 0; slot < stage_queue_size; slot++)
    stage.available->slots[slot] = (uint16_t)(slot % stage_chain_count * stage_chain_length);
  return 0;
}

void stage_offer(void) {
  // An interrupt for the last chain of the batch, as a driver that reaps whole batches asks for.
  __atomic_store_n(
    &stage.available->used_event, (uint16_t)(stage.offered + stage_chain_count - 1),
    __ATOMIC_RELAXED);
  stage.offered = (uint16_t)(stage.offered + stage_chain_count);
  __atomic_store_n(&stage.available->index, stage.offered, __ATOMIC_RELEASE);
}

int stage_is_done(int interrupts) {
  return interrupts == 1 && __atomic_load_n(&stage.used->index, __ATOMIC_ACQUIRE) == stage.offered;
}

uint64_t process_nanoseconds(int pid) {
  struct timespec time;
  // What clock_getcpuclockid answers: the process's own clock in the kernel's encoding.
  clockid_t clock = (clockid_t)(~(unsigned)pid << 3 | 2);
  if (clock_gettime(clock, &time) != 0) return 0;
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

int pin_process(int pid, int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  return sched_setaffinity(pid, sizeof set, &set) == 0 ? 0 : -errno;
}
