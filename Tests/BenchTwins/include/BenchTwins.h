// The C side of the benchmarks: a driver that costs next to nothing, a device side of a split
// virtqueue that does what ours does, and what a measurement asks the kernel.
//
// One stage a process; numbers only, so that Swift calls all of it without a pointer.
#pragma once

#include <stdint.h>

// -- the stage: a memory file with a queue of 256 and chains of 3 buffers in 8 regions

enum {
  stage_queue_size = 256,
  stage_chain_count = 64,  // chains a batch
  stage_chain_length = 3,
  stage_region_count = 8,
  stage_region_bytes = 1 << 20,
  stage_byte_count = stage_region_count * stage_region_bytes,
  stage_descriptors = 0,  // offsets in the file, all in the first region
  stage_available = 4096,
  stage_used = 8192,
  stage_buffers = 65536,  // in each region
  stage_touched_bytes = 8,
};

// Where region `index` begins for the guest, and for the front end. Between them lie gaps.
uint64_t stage_guest_address(int index);
uint64_t stage_user_address(int index);

// Maps the file and writes the chains. 0, or a negated errno.
int stage_open(int file);

// -- the driver: the table never changes, so an offer is one store

void stage_offer(void);
// Whether the device has used all that was offered and was asked to interrupt for it.
int stage_is_done(int interrupts);

// -- the device in C, as fast as plain C is, with every check that ours makes

// Makes a ring of what the stage holds now, with a log of requests in flight or without one.
void twin_begin(int logs);
// Serves until nothing waits. The interrupts it owes, or -1 when a rule is broken.
int twin_serve(void);

// -- what the kernel knows

// The processor time that a process has used so far, all its threads; 0 when it is gone.
uint64_t process_nanoseconds(int pid);
// Runs this process, or another, on one processor only. 0, or a negated errno.
int pin_process(int pid, int processor);

// Nanoseconds of so many round trips between two processes, over eventfds and over a socket for
// packets with so many bytes each way; 0 when it failed.
uint64_t pingpong_events(long count);
uint64_t pingpong_packets(long count, unsigned request, unsigned reply);
