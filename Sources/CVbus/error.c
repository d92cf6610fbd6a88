#include "vbus_error.h"

#include <string.h>

static _Thread_local char text[256] = "no function has failed in this thread";

const char *vbus_error_text(void) { return text; }

void vbus_set_error_text(const char *sentence) {
  strncpy(text, sentence, sizeof text - 1);
}
