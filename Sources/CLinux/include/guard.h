// Keeps the process alive when another process shrinks a file that is mapped here.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Guards [start, start + length): on SIGBUS in it, zero pages are mapped from the fault to the
// end of the range, and *torn becomes 1. `page` is the page size of the mapped file. Answers a
// number for linux_guard_remove, or a negated errno.
int linux_guard_add(void *start, size_t length, size_t page, uint32_t *torn);

// Ends the guard. To be called before the range is unmapped.
void linux_guard_remove(int slot);

// The page size of the file system of a file: the huge page's for hugetlbfs.
long linux_file_page_size(int fd);
