#pragma once
// The kernel's side of /dev/fuse: messages, numbers and flags.
#include <linux/fuse.h>
