#include "status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Cuts an incomplete UTF-8 sequence off the end of a message that vsnprintf truncated. */
static void trim_partial_character(char *message) {
  size_t length = strlen(message);
  size_t lead = length;
  while (lead > 0 && ((unsigned char)message[lead - 1] & 0xC0) == 0x80)
    lead--;
  if (lead == 0) return;
  unsigned char first = (unsigned char)message[lead - 1];
  size_t needed = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
  if (length - (lead - 1) < needed) message[lead - 1] = '\0';
}

koe_status koe_fail(koe_error *err, koe_status status, const char *format, ...) {
  va_list args;
  va_start(args, format);
  err->status = status;
  int written = vsnprintf(err->message, sizeof err->message, format, args);
  va_end(args);
  if (written < 0) err->message[0] = '\0';
  if (written >= (int)sizeof err->message) trim_partial_character(err->message);
  return status;
}

koe_status koe_fail_nomem(koe_error *err) {
  return koe_fail(err, KOE_NOMEM, "out of memory");
}
