// What libvbus itself needs of C: words that each thread has its own of.
#pragma once

#include "vbus.h"

void vbus_set_error_text(const char *sentence);
