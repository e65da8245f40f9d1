/* The bytes of a weight file, as checkpoint.c hands them to the reader of its format. */
#ifndef KOE_WEIGHT_FILE_H
#define KOE_WEIGHT_FILE_H

#include <stddef.h>
#include <stdint.h>

typedef struct koe_weight_file {
  const uint8_t *bytes;
  size_t size;
  const char *path; /* for messages */
} koe_weight_file;

#endif
